package import PlatformKit
package import Transport

/// Numbers from a Prometheus server, or from anything that answers as its query API does.
package struct PrometheusProvider: MetricProvider {
  private let url: String
  private let http: HTTPClient
  private let timeout: Duration
  private let token: (@Sendable () throws(PlatformError) -> String)?

  /// `url`: what stands before `/api/v1/query`. `token`: read for each question, so that it may be renewed.
  package init(
    url: String, http: HTTPClient, timeout: Duration,
    token: (@Sendable () throws(PlatformError) -> String)? = nil
  ) {
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
    self.http = http
    self.timeout = timeout
    self.token = token
  }

  package func value(
    of query: String, inserting values: [String: String]
  ) async throws(PlatformError) -> Double? {
    let expression = try QueryText.filled(query, values)
    var request = HTTPRequest("POST", url: "\(url)/api/v1/query")
    request.allowedSchemes = [.http, .https]
    request.headers = [
      HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
      HTTPHeader("User-Agent", "viridian"),
    ]
    if let token { request.headers.append(HTTPHeader("Authorization", "Bearer \(try token())")) }
    request.body = Array("query=\(QueryText.formEncoded(expression))".utf8)
    request.limits.connect = timeout
    request.limits.total = timeout
    // One number is asked for; a query that gives thousands is wrong, and is told so.
    request.limits.bodyBytes = 1 << 20
    let answer: HTTPResponse
    do throws(TransportError) {
      answer = try await http.send(request)
    } catch {
      throw .transient("Prometheus: \(error)")
    }
    return try QueryAnswer(answer.body, status: answer.status).number
  }
}
