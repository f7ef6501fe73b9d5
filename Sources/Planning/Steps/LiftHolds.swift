import LedgerKit
import Model

/// Holds end by themselves when what they are about is over.
extension TargetPass {
  mutating func liftHolds() {
    tellClash()
    if let heldRemoval, record.hold == nil || record.hold?.reason == .removal {
      record.hold = Hold(reason: .removal, message: heldRemoval)
    }
    guard let hold = record.hold else { return }
    switch hold.reason {
    case .aborted, .nameTaken, .deadline, .quarantined, .splitUnknown:
      if let digest = desiredDigest, digest != hold.digest { lift() }
    case .noEvidence:
      if let digest = desiredDigest, digest != hold.digest {
        record.noEvidence = 0
        lift()
      } else if record.noEvidence <= 3, delay(of: .launch) == nil {
        lift()
      }
    case .ledgerLost:
      if case .desired(let spec) = input.whole.desired, spec.declaredDigest != hold.digest, isKnown
      {
        lift()
      }
    case .breaker:
      if let digest = desiredDigest, digest != hold.digest {
        record.breaker = Breaker(lastRollout: record.breaker.lastRollout)
      }
      if !record.breaker.isOpen { lift() }
    case .group:
      let isOther = desiredDigest.map { $0 != hold.digest } ?? false
      if isOther || (party?.fault == nil && record.group?.fault == nil) { lift() }
    case .conflict, .removal, .irreversible: break
    }
  }

  /// A hold of its own that no record needs: it lasts as long as what it is about.
  private mutating func tellClash() {
    guard let clash else { return forgetAlerts(.held) }
    alertOnce(.held, .warning, about: Hold.Reason.conflict.rawValue, "\(id) is held: \(clash)")
  }

  private mutating func lift() {
    guard let hold = record.hold else { return }
    record.hold = nil
    say(.decision, nil, "no longer \(hold.word)")
  }

  /// A full window without drift closes it; `release` and another digest do so elsewhere.
  mutating func closeBreaker() {
    guard record.breaker.isOpen, record.breaker.quiet >= record.breaker.window else { return }
    let window = record.breaker.window
    record.breaker = Breaker(lastRollout: record.breaker.lastRollout)
    say(.decision, nil, "the breaker closes: no drift for \(window.text)")
  }
}
