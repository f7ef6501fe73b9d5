/// What knows numbers about stacks, such as Prometheus.
package protocol MetricProvider: Sendable {
  /// The one number that `query` stands for now; nil: it knows none.
  ///
  /// `values`: for each `${name}` in the query, inserted so that it stays a value whatever is in it.
  /// Errors: `.transient` when it cannot be asked; `.rejected` for a query that makes no sense.
  func value(
    of query: String, inserting values: [String: String]
  ) async throws(PlatformError) -> Double?
}
