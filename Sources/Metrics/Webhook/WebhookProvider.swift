package import MetricHTTP
package import Model
package import PlatformKit
import Transport

/// Asks a webhook as Flagger does whether the candidate may go on.
package struct WebhookProvider: MetricProvider {
  private let endpoint: MetricEndpoint

  package init(_ endpoint: MetricEndpoint) { self.endpoint = endpoint }

  /// 1 for a status of 2xx; 0 for any other, with what was answered. A redirect is neither, nor is what a
  /// gateway says for a webhook that it cannot ask now: nobody looked at the candidate.
  package func reading(
    of metric: AnalysisDeclaration.Metric, with values: [String: String]
  ) async throws(PlatformError) -> MetricReading? {
    guard metric.query == nil else {
      throw .rejected(
        fault: .stack, "a webhook takes no query: what it has to know is its metadata")
    }
    let question = HookPayload.of(values, declared: metric.metadata ?? [:])
    let answer = try await endpoint.post(type: "application/json", Array(question.json.utf8))
    switch answer.status {
    case 200..<300: return MetricReading(1)
    case 300..<400:
      throw .rejected(
        fault: .platform, "the webhook answered \(answer.status), and no redirect is followed")
    case 429, 502, 503, 504:
      throw .transient("the webhook answered \(answer.status)")
    default: return MetricReading(0, words: words(answer))
    }
  }

  /// `the webhook answered 500, no such cart`: for people, so on one line.
  private func words(_ answer: HTTPResponse) -> String {
    // More would not help, and stands in the history.
    let body = String(decoding: answer.body.prefix(300), as: UTF8.self)
    let line = body.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return "the webhook answered \(answer.status)" + (line.isEmpty ? "" : ", \(line)")
  }
}
