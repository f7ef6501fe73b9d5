import Model

/// What serves and may not be taken back stays, until a person or a commit says more.
extension PlanChecks {
  /// Irreversible: no old stack gains what its candidate has had, in the split or as the fallback, unless somebody
  /// has asked for it.
  static let noReturn: Rule = { checked in
    guard let before = checked.before, let rollout = before.rollout, let new = checked.newRoute,
      rollout.isIrreversible == true, rollout.hasServed == true, !isReturnAsked(rollout, checked)
    else { return [] }
    func isOld(_ generation: Generation) -> Bool {
      let stack = before.stacks[generation]
      return generation != rollout.candidate && stack?.wasStable == true
        && stack?.declaredDigest != checked.spec?.declaredDigest
    }
    let raised = checked.raised.filter {
      isOld($0.generation) && $0.weightPercent > left(to: $0.generation, by: rollout, checked)
    }
    var wrong = raised.map {
      "\($0.generation) gets \($0.weightPercent) % back from what is irreversible"
    }
    if let fallback = new.fallback, isOld(fallback) {
      wrong.append("the fallback \(fallback) leads back from what is irreversible")
    }
    return wrong
  }

  /// What it had beside the candidate; beside one that only follows, what it was meant to have.
  private static func left(
    to old: Generation, by rollout: RolloutMachine, _ checked: CheckedPlan
  ) -> Int {
    let had = rollout.bake == nil ? rollout.formerWeightPercent : rollout.weightPercent
    guard had == 0 else { return 100 - had }
    return checked.before?.route.wanted?.weightPercent(of: old) ?? 0
  }

  /// An abort, now or before; a commit that declares it again, before; or a world that a person accepts.
  private static func isReturnAsked(_ rollout: RolloutMachine, _ checked: CheckedPlan) -> Bool {
    if checked.isRemovalAllowed || checked.isAdoptionAsked { return true }
    switch rollout.failure?.kind {
    case .aborted, .superseded: return true
    case .stackFault, .platformFault, .noEvidence, .group, nil: break
    }
    return checked.input.requests.contains { $0.verb == .abort(checked.plan.target) }
  }

  /// Nothing leads back from it and it has all traffic: the version that is declared after it follows it, whatever
  /// it has shown, and so does its own repair once it is gone.
  static func isFollowed(_ rollout: RolloutMachine, _ checked: CheckedPlan) -> Bool {
    // What was launched as a worker takes no traffic, whatever is declared now.
    let seen = checked.stacks[rollout.candidate]?.certificate
    let isUseless = seen?.traffic == TrafficPolicy.Mode.none && !checked.isWorker
    guard rollout.isIrreversible == true, rollout.hasServed == true,
      checked.isWorker || isUseless || checked.weight(rollout.candidate) == 100
    else { return false }
    if checked.target.stacks.value != nil, checked.stacks[rollout.candidate] == nil { return true }
    guard rollout.stop != nil || isUseless,
      case .resolved(let digest, _) = checked.target.resolution
    else {
      return false
    }
    return checked.before?.stacks[rollout.candidate]?.stackDigest != digest
  }

  /// Weight that was meant to be there already, of what nothing leads back from.
  static func isGivenBack(_ backend: Backend, _ checked: CheckedPlan) -> Bool {
    guard let rollout = checked.before?.rollout, rollout.isIrreversible == true,
      rollout.hasServed == true
    else { return false }
    let isCandidate = backend.generation == rollout.candidate
    let had = rollout.bake == nil ? rollout.formerWeightPercent : rollout.weightPercent
    let meant = checked.before?.route.wanted?.weightPercent(of: backend.generation) ?? 0
    return backend.weightPercent <= max(isCandidate ? had : 0, meant)
  }
}
