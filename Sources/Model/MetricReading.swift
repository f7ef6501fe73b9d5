/// One number of a provider of metrics.
package struct MetricReading: Hashable, Codable, Sendable {
  package var number: Double
  /// What the provider says of it, for people; nil: nothing.
  package var words: String?
  package init(_ number: Double, words: String? = nil) {
    self.number = number
    self.words = words
  }
}
