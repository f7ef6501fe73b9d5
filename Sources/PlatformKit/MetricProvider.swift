package import Model

/// What knows numbers about stacks, such as Prometheus.
package protocol MetricProvider: Sendable {
  /// What the metric is now; nil: it knows no number.
  ///
  /// `values`: of the candidate, by `Metric.Value`; in a query they are inserted so that each stays a value
  /// whatever is in it. Errors: `.transient` when it cannot be asked; `.rejected` for a metric that makes no
  /// sense.
  func reading(
    of metric: AnalysisDeclaration.Metric, with values: [String: String]
  ) async throws(PlatformError) -> MetricReading?
}
