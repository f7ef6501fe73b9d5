import Crypto
import Foundation
package import LedgerKit
import Model

/// Posts alerts as JSON.
///
/// The body is `{key, at, target, severity, reason, message, details}`; absent parts are not
/// written. With a secret the header `X-Viridian-Signature` is `sha256=` and the hexadecimal
/// HMAC-SHA-256 of the body's bytes, so that the receiver can tell our alerts from others'.
package struct WebhookSink: AlertSink {
  /// Sends one POST and gives the status. It must end within a deadline of its own and must not
  /// follow redirects, which could lead the alert to another host.
  package typealias Send =
    @Sendable (_ url: String, _ headers: [String: String], _ body: [UInt8]) async throws -> Int

  private let url: String
  private let secret: SymmetricKey?
  private let send: Send

  /// `secret`: what the key's file holds; one line break at its end is not part of the key. nil or
  /// empty sends no signature.
  package init(url: String, secret: [UInt8]?, send: @escaping Send) {
    self.url = url
    let key = secret?.last == UInt8(ascii: "\n") ? secret?.dropLast() : secret?[...]
    self.secret = key.flatMap { $0.isEmpty ? nil : SymmetricKey(data: $0) }
    self.send = send
  }

  /// Only the host: paths and queries of webhooks often are secrets.
  package var name: String { "webhook \(URL(string: url)?.host ?? "with an unreadable address")" }

  package func deliver(_ alert: OutboxAlert) async throws(AlertError) {
    let body = Array(alert.form.json.utf8)
    let status: Int
    do {
      status = try await send(url, headers(body), body)
    } catch {
      // The error's own text may hold the whole address.
      throw .transient("\(name) did not answer (\(type(of: error)))")
    }
    switch status {
    case 200..<300: return
    // The body itself is refused; anything else, a wrong address included, may be put right.
    case 400, 413, 422: throw .rejected("\(name) refused the alert with status \(status)")
    default: throw .transient("\(name) answered with status \(status)")
    }
  }

  private func headers(_ body: [UInt8]) -> [String: String] {
    var headers = ["Content-Type": "application/json", "User-Agent": "viridian"]
    if let secret {
      let code = HMAC<SHA256>.authenticationCode(for: body, using: secret)
      headers["X-Viridian-Signature"] = "sha256=" + hexadecimal(code)
    }
    return headers
  }
}
