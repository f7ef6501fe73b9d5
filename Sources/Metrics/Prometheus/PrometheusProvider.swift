package import MetricHTTP
package import Model
package import PlatformKit
import Transport

/// Numbers from a Prometheus server, or from anything that answers as its query API does.
package struct PrometheusProvider: MetricProvider {
  private let endpoint: MetricEndpoint

  /// `endpoint`: what stands before `/api/v1/query`.
  package init(_ endpoint: MetricEndpoint) { self.endpoint = endpoint }

  package func reading(
    of metric: AnalysisDeclaration.Metric, with values: [String: String]
  ) async throws(PlatformError) -> MetricReading? {
    guard let query = metric.query else {
      throw .rejected(fault: .stack, "Prometheus needs a query")
    }
    let expression = try QueryText.filled(query, values)
    let answer = try await endpoint.post(
      "/api/v1/query", type: "application/x-www-form-urlencoded",
      Array("query=\(QueryText.formEncoded(expression))".utf8))
    return try QueryAnswer(answer.body, status: answer.status).number.map { MetricReading($0) }
  }
}
