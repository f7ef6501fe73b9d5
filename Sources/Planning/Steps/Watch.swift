import LedgerKit
import Model

/// Observe mode: nothing is decided, and what people have to know is told all the same.
extension TargetPass {
  /// This pass with the record as it was read, so that what is shown is what is and not what would
  /// be. Only the clocks of drift and what was already told go on, and without the lease not even
  /// these: they are somebody else's.
  func watching() -> TargetPass {
    var told = self
    told.record = input.whole.record ?? TargetRecord()
    told.entries = []
    told.alerts = []
    guard facts.conditions.holdsLease, input.whole.record != nil else { return told }
    told.findings = [:]
    told.record.clock = facts.now
    told.watchDrift()
    told.passTimeOfStable()
    told.reactToDrift()
    told.tellRoute()
    return told
  }

  /// Acting, it would be repaired and told as that.
  private mutating func tellRoute() {
    guard isKnown, !isWorker, record.route.isConfirmed, let wanted = record.route.wanted else {
      return
    }
    let observed = route
    guard observed?.route != wanted || observed?.findings.isEmpty == false else {
      return forgetAlerts(.driftDetected)
    }
    let what = observed.map { "it is \($0.route.words)" } ?? "it is gone"
    let text = "the route was changed by hand: \(what), not \(wanted.words)"
    if alertOnce(.driftDetected, .warning, about: "route", "\(id): \(text)") {
      say(.finding, nil, text)
    }
  }
}
