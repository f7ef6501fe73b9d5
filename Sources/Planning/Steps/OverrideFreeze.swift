import LedgerKit
import Model

/// A commit may say that what it newly declares goes through freeze windows: that digest, and nothing else.
extension TargetPass {
  func overridesFreeze(_ digest: Digest?) -> Bool {
    guard let digest, input.target?.freezeOverride != nil else { return false }
    if let desiredDigest { return digest == desiredDigest }
    return record.stacks.contains { $0.value.stackDigest == digest && isAsDeclared($0.key) }
  }

  /// Said and alerted once for each freeze window, while there is something that would have waited for its end.
  mutating func tellFreezeOverride() {
    guard let freeze = input.whole.freeze, let override = input.target?.freezeOverride else {
      return forgetAlerts(.freezeOverridden)
    }
    guard record.stable.map(isAsDeclared) != true else { return }
    let text =
      "the freeze window \(freeze) is overridden by \(override.commit.short): \(override.reason)"
    note(text)
    if alertOnce(.freezeOverridden, .warning, about: override.commit.short, "\(id): \(text)") {
      say(.decision, nil, text)
    }
  }
}
