import Model

/// Who wins when rules meet.
extension PlanChecks {
  /// Paused: nothing new, no drift replacement, no retirement; repair and rollback go on.
  static let paused: Rule = { checked in
    guard checked.after?.isPaused == true || checked.output.memory.isPaused else { return [] }
    return newness(checked).map { "\($0) while paused" }
      + checked.retirements.map { "\($0.generation) is retired while paused" }
  }

  /// Frozen: nothing new and no drift replacement; a rollout under way keeps its weight. Only what a commit declares
  /// that overrides the freeze, or a person lets through, goes on.
  static let frozen: Rule = { checked in
    guard checked.target.freeze != nil else { return [] }
    let declared = checked.target.desired.target
    let isAllowed =
      checked.before?.freezeException.map { $0.declaredDigest == declared?.declaredDigest } == true
      || checked.input.requests.contains { $0.verb == .approveFreeze(checked.plan.target) }
    let overriding =
      declared?.freezeOverride == nil && !isAllowed ? nil : declared?.declaredDigest
    return newness(checked, but: overriding).map { "\($0) inside a freeze window" }
  }

  /// Launches, and stacks that gain weight, for a commit or for drift; but for a commit of this digest.
  private static func newness(_ checked: CheckedPlan, but digest: Digest? = nil) -> [String] {
    func isNew(_ generation: Generation) -> Bool {
      switch checked.cause(generation) {
      case .commit: digest == nil || checked.after?.stacks[generation]?.declaredDigest != digest
      case .drift, nil: true
      case .repair, .rollback: false
      }
    }
    // Weight for what was stable before is a rollback, whatever asked for it; what a person adopts as
    // stable is none the less what served.
    let adopted = checked.isAdoptionAsked ? checked.after?.stable : nil
    let gained = checked.raised.filter { !isGivenBack($0, checked) }
    let raised = gained.map(\.generation).filter {
      checked.before?.stacks[$0]?.wasStable != true && checked.before?.stable != $0
        && adopted != $0 && isNew($0)
    }
    return checked.newLaunches.map(\.stack.generation).filter(isNew).map { "\($0) is launched" }
      + raised.map { "\($0) gains weight" }
  }

  /// The breaker is open: another digest only, instance healing only, nothing retired.
  static let breakerHeld: Rule = { checked in
    guard let breaker = checked.after?.breaker, breaker.isOpen,
      checked.before?.breaker.isOpen == true
    else { return [] }
    let same = checked.newLaunches.filter {
      breaker.digest == $0.stackDigest || breaker.digest == $0.declaredDigest
    }
    return same.map { "\($0.stack.generation) is launched while the breaker holds its digest" }
      + checked.retirements.map { "\($0.generation) is retired while the breaker holds" }
  }

  /// S18: an abort takes weight only from the candidate, and does nothing without a rollout. One
  /// that begins in the same pass is not what it was about, nor is a removal that is allowed in it.
  static let abortIsTotal: Rule = { checked in
    let isAborted = checked.input.requests.contains { $0.verb == .abort(checked.plan.target) }
    guard isAborted, let before = checked.before, let stable = before.stable,
      before.rollout != nil || checked.after?.rollout == nil
    else { return [] }
    var wrong: [String] = []
    let isMeant = checked.isRemovalAllowed || vacatesAfterRetry(checked)
    if checked.lowered.contains(stable), !isMeant {
      wrong.append("an abort takes weight from stable")
    }
    let stopped =
      checked.reductions.map(\.stack.generation) + checked.retirements.map(\.generation)
    if stopped.contains(stable), !isMeant {
      wrong.append("an abort stops instances of stable")
    }
    if let candidate = before.rollout?.candidate,
      checked.raised.contains(where: { $0.generation == candidate && candidate != stable })
    {
      wrong.append("an aborted candidate gains weight")
    }
    return wrong
  }

  /// The person has asked for another try since, in the same pass, and the strategy ends the old stack first.
  private static func vacatesAfterRetry(_ checked: CheckedPlan) -> Bool {
    let id = checked.plan.target
    let asked = checked.input.requests.filter { $0.verb == .abort(id) || $0.verb == .retry(id) }
    guard asked.max(by: { $0.sequence < $1.sequence })?.verb == .retry(id),
      checked.allowsDowntime, let new = checked.after?.rollout
    else { return false }
    return new.candidate != checked.before?.rollout?.candidate
  }

  /// S18: what a person or a missing verdict holds is neither launched nor given weight.
  static let heldDigestGetsNothing: Rule = { checked in
    guard let hold = checked.after?.hold, let digest = hold.digest, checked.before?.hold == hold
    else {
      return []
    }
    guard hold.reason == .aborted || hold.reason == .noEvidence || hold.reason == .group else {
      return []
    }
    let launched = checked.newLaunches.filter { $0.stackDigest == digest }
    let served = checked.raised.filter { backend in
      let record = checked.after?.stacks[backend.generation]
      return record?.stackDigest == digest && record?.wasStable == false
        && checked.after?.stable != backend.generation
    }
    return launched.map { "\($0.stack.generation) is launched, its digest is \(hold.word)" }
      + served.map { "\($0.generation) gains weight, its digest is \(hold.word)" }
  }
}
