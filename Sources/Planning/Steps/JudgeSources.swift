import LedgerKit
import Model

/// What holds over all targets: how many may be removed (S10), and whose names clash.
struct SourceJudge {
  let input: PlanningInput
  var memory: AgentMemory

  init(_ input: PlanningInput, elapsed: Duration) {
    self.input = input
    memory = input.memory
    memory.clock = input.now
    // Removals older than the window do not count; they stay known until their target is gone.
    memory.removals = memory.removals.map {
      RemovalRecord(target: $0.target, source: $0.source, age: min($0.age + elapsed, Self.day))
    }
    let known = Set(input.targets.filter { $0.record != nil }.map(\.id))
    memory.removals.removeAll { $0.age >= Self.day && !known.contains($0.target) }
  }

  static let day = Duration.seconds(24 * 3600)

  mutating func judge(_ pass: inout TargetPass) {
    switch pass.input.whole.desired {
    case .removed(let source, let commit, _): judge(&pass, source, commit)
    case .desired, .held: revive(&pass)
    case .undeclared: break
    }
  }

  private mutating func revive(_ pass: inout TargetPass) {
    guard let removal = pass.record.removal else { return }
    pass.record.removal = nil
    if pass.record.hold?.reason == .removal { pass.record.hold = nil }
    if removal.isAllowed { pass.say(.decision, nil, "it is declared again: not removed") }
  }

  private mutating func judge(
    _ pass: inout TargetPass, _ source: SourceName, _ commit: CommitID
  ) {
    if pass.record.removal?.isAllowed == true { return }
    // Removed and forgotten already, or never there.
    if pass.input.whole.record == nil, pass.stacks.isEmpty {
      pass.isForgotten = true
      return
    }
    let objection = objection(to: pass, source, commit)
    let wasBeyondCap = pass.record.removal?.isBeyondCap
    pass.record.removal = Removal(source: source, commit: commit, isAllowed: objection == nil)
    pass.record.removal?.isBeyondCap =
      objection?.hasPrefix(Self.beyondCap) == true ? true : wasBeyondCap
    guard let objection else {
      if pass.record.hold?.reason == .removal { pass.record.hold = nil }
      memory.removals.removeAll { $0.target == pass.id }
      memory.removals.append(RemovalRecord(target: pass.id, source: source, age: .zero))
      pass.say(.decision, nil, "\(source) at \(commit.short) does not declare it any more: removed")
      return
    }
    pass.heldRemoval = objection
    pass.alertOnce(.removalHeld, .warning, about: commit.short, "\(pass.id): \(objection)")
  }

  private func objection(
    to pass: TargetPass, _ source: SourceName, _ commit: CommitID
  ) -> String? {
    if pass.facts.isObserving { return "observe mode: its removal waits" }
    guard let state = input.sources[source] else { return "its source \(source) is not known" }
    guard state.health == .current else { return "\(source) is not current: nothing is removed" }
    guard state.isComplete, state.targetCount > 0 else {
      return "\(commit.short) was not read whole, or declares nothing: nothing is removed"
    }
    if pass.isLossOpen {
      return "the ledger was lost: nothing is removed"
    }
    if memory.approvedRemovals.contains(commit) { return nil }
    let recent = memory.removals.filter { $0.age < Self.day && $0.target != pass.id }
    let limits = input.limits
    let cap = max(limits.removals, declared(in: source) * limits.removalsPercent / 100)
    let all = input.sources.keys.map(declared).reduce(0, +)
    let agentCap = max(limits.agentRemovals, all * limits.agentRemovalsPercent / 100)
    let (ofSource, ofAgent) = (recent.count { $0.source == source }, recent.count)
    if ofSource < cap, ofAgent < agentCap, pass.record.removal?.isBeyondCap != true { return nil }
    let (bound, owner) = ofAgent >= agentCap ? (agentCap, "this agent") : (cap, "\(source)")
    return "\(Self.beyondCap): \(bound) of the targets of \(owner) may be removed within 24h;"
      + " to confirm it: viridian approve removal \(commit)"
  }

  private static let beyondCap = "its removal is held"

  /// Targets of the source, those included that its newest commits took away.
  private func declared(in source: SourceName) -> Int {
    let removed = input.targets.count { target in
      guard case .removed(source, _, _) = target.desired else { return false }
      return true
    }
    return (input.sources[source]?.targetCount ?? 0) + removed
  }
}
