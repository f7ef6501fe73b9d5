package import LedgerKit

/// Where alerts go. A delivery may be repeated after a crash: receivers tell repetitions by `key`.
package protocol AlertSink: Sendable {
  /// For people: `file /var/log/viridian/alerts.jsonl`. Carries no secret.
  var name: String { get }

  /// Returns once the receiver has the alert for good.
  func deliver(_ alert: OutboxAlert) async throws(AlertError)
}

/// Why an alert was not delivered.
package enum AlertError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Tried again with back-off: unreachable, throttled, disk full.
  case transient(String)
  /// The receiver will never take this alert.
  case rejected(String)

  package var description: String {
    switch self {
    case .transient(let text), .rejected(let text): text
    }
  }
}
