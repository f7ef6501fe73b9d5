package import PlatformKit
package import Transport

/// Where a provider is asked over HTTP.
package struct MetricEndpoint: Sendable {
  private let url: String
  private let http: HTTPClient
  private let timeout: Duration
  private let caFile: String?
  private let token: (@Sendable () throws(PlatformError) -> String)?

  /// `timeout`: of one whole question. `caFile`: PEM, instead of the system's authorities. `token`: of the
  /// bearer; read for each question, so that it may be renewed.
  package init(
    url: String, http: HTTPClient, timeout: Duration, caFile: String? = nil,
    token: (@Sendable () throws(PlatformError) -> String)? = nil
  ) {
    self.url = url
    self.http = http
    self.timeout = timeout
    self.caFile = caFile
    self.token = token
  }

  /// The answer, whatever its status; a redirect is not followed. Errors: `.transient` when there is none, or
  /// one of more than 1 MiB.
  package func post(
    _ path: String = "", type: String, _ body: [UInt8]
  ) async throws(PlatformError) -> HTTPResponse {
    let base = path.isEmpty || !url.hasSuffix("/") ? url : String(url.dropLast())
    var request = HTTPRequest("POST", url: base + path)
    request.allowedSchemes = [.http, .https]
    request.caFile = caFile
    request.headers = [HTTPHeader("Content-Type", type), HTTPHeader("User-Agent", "viridian")]
    if let token { request.headers.append(HTTPHeader("Authorization", "Bearer \(try token())")) }
    request.body = body
    // One number is asked for; an answer of thousands is wrong, and is told so. Who thinks for long before it
    // says a byte is not idle.
    request.limits = HTTPLimits(connect: timeout, total: timeout, idle: nil, bodyBytes: 1 << 20)
    do throws(TransportError) {
      return try await http.send(request)
    } catch {
      throw .transient("\(error)")
    }
  }
}
