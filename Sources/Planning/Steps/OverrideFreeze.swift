import LedgerKit
import Model

/// A commit, or a person, may say that what is newly declared goes through freeze windows: that digest, and
/// nothing else.
extension TargetPass {
  func overridesFreeze(_ digest: Digest?) -> Bool {
    guard let digest, freezeOverride != nil else { return false }
    if let desiredDigest { return digest == desiredDigest }
    return record.stacks.contains { $0.value.stackDigest == digest && isAsDeclared($0.key) }
  }

  /// Who says so, and why; nil: nobody does.
  private var freezeOverride: (by: String, reason: String)? {
    if let override = input.target?.freezeOverride {
      return (override.commit.short, override.reason)
    }
    guard let exception = record.freezeException,
      exception.declaredDigest == input.target?.declaredDigest
    else { return nil }
    return (exception.by, exception.reason)
  }

  /// What a person asks for holds for what is declared now, until the window closes.
  mutating func overrideFreeze(_ request: OperatorRequest, _ told: String) {
    guard input.whole.freeze != nil, let target = input.target else {
      return say(.decision, nil, "\(told); none is open")
    }
    say(.decision, nil, told)
    record.freezeException = FreezeException(
      declaredDigest: target.declaredDigest, by: request.by,
      reason: request.reason ?? "without a reason")
  }

  /// Said and alerted once for each freeze window, while there is something that would have waited for its end.
  mutating func tellFreezeOverride() {
    if let exception = record.freezeException,
      input.whole.freeze == nil || exception.declaredDigest != input.target?.declaredDigest
    {
      record.freezeException = nil
    }
    guard let freeze = input.whole.freeze, let (by, reason) = freezeOverride else {
      return forgetAlerts(.freezeOverridden)
    }
    guard record.stable.map(isAsDeclared) != true else { return }
    let text = "the freeze window \(freeze) is overridden by \(by): \(reason)"
    note(text)
    if alertOnce(.freezeOverridden, .warning, about: by, "\(id): \(text)") {
      say(.decision, nil, text)
    }
  }
}
