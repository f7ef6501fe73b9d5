/// What was counted of the requests to one stack: raw and cumulative.
package struct RequestCounts: Hashable, Codable, Sendable {
  package var requests: Int
  /// Requests that the stack answered with a server error, or not at all.
  package var errors: Int
  package init(requests: Int = 0, errors: Int = 0) {
    self.requests = requests
    self.errors = errors
  }
}
