import Foundation
package import Model
package import Transport

/// Probes instances over the network, at their own endpoints.
package struct EndpointProbe: HealthProbe {
  private let http: HTTPClient

  package init(http: HTTPClient) { self.http = http }

  package func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? {
    switch check {
    case .running: nil
    case .tcp: await connect(endpoint, timeout: timeout)
    case .http(let path, let expect): await get(path, expect, at: endpoint, timeout: timeout)
    case .command: "a command is run by the platform, not over the network"
    }
  }

  private func get(
    _ path: String, _ expect: [Int], at endpoint: Endpoint, timeout: Duration
  ) async -> String? {
    do throws(TransportError) {
      let response = try await http.send(
        HTTPRequest(probing: "http://\(endpoint.authority)\(path)", within: timeout))
      return expect.contains(response.status)
        ? nil : "GET \(path) answered \(response.status)"
    } catch .timedOut {
      return "GET \(path) did not answer within \(timeout.text)"
    } catch {
      return "GET \(path): \(error)"
    }
  }

  private func connect(_ endpoint: Endpoint, timeout: Duration) async -> String? {
    var request = HTTPRequest(probing: "http://\(endpoint.authority)/", within: timeout)
    request.connectOnly = true
    do throws(TransportError) {
      _ = try await http.send(request)
      return nil
    } catch {
      return "TCP \(endpoint): \(error)"
    }
  }
}

extension Endpoint {
  /// `host:port`, with brackets around an IPv6 address.
  fileprivate var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension HTTPRequest {
  /// A GET of what a stack answers: at most 1 MiB, on a connection of its own.
  init(probing url: String, within limit: Duration) {
    self.init("GET", url: url)
    allowedSchemes = [.http]
    headers = [HTTPHeader("User-Agent", "viridian"), HTTPHeader("Connection", "close")]
    limits.connect = limit
    limits.total = limit
    limits.bodyBytes = 1 << 20
  }
}
