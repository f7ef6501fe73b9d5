/// Why a platform or router did not do what it was asked. Every case has a disposition.
package enum PlatformError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Asked again later with back-off: throttled, timed out, connection refused.
  case transient(String)
  /// Under way, nothing is wrong: ask again on the next pass.
  case waiting(String)
  /// Somebody else wrote first: read again, then decide again.
  case conflict(String)
  /// The platform refuses for good; `fault` says whose fault it is.
  case rejected(fault: Fault, String)

  package enum Fault: Hashable, Sendable {
    case stack
    case platform
  }

  package var description: String {
    switch self {
    case .transient(let text), .waiting(let text), .conflict(let text), .rejected(_, let text): text
    }
  }
}
