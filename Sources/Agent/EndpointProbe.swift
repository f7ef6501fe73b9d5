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
    var request = HTTPRequest("GET", url: "http://\(endpoint.authority)\(path)")
    request.allowedSchemes = [.http]
    request.headers = [HTTPHeader("User-Agent", "viridian"), HTTPHeader("Connection", "close")]
    request.limits.connect = timeout
    request.limits.total = timeout
    // The body says nothing here; a page is enough to end the exchange in an orderly way.
    request.limits.bodyBytes = 1 << 20
    do throws(TransportError) {
      let response = try await http.send(request)
      return expect.contains(response.status)
        ? nil : "GET \(path) answered \(response.status)"
    } catch .timedOut {
      return "GET \(path) did not answer within \(timeout.text)"
    } catch {
      return "GET \(path): \(error)"
    }
  }

  private func connect(_ endpoint: Endpoint, timeout: Duration) async -> String? {
    var request = HTTPRequest("GET", url: "http://\(endpoint.authority)/")
    request.allowedSchemes = [.http]
    request.connectOnly = true
    request.limits.connect = timeout
    request.limits.total = timeout
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
