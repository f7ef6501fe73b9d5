import LedgerKit
import Model

extension OutboxAlert {
  /// The one form that every sink writes; `at` is RFC 3339 in UTC.
  var form: CanonicalValue {
    .present([
      "key": .string(key), "at": .string("\(at)"), "target": target.map { .string("\($0)") },
      "severity": .string(severity), "reason": .string(reason), "message": .string(message),
      "details": details,
    ])
  }
}
