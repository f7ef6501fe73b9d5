import Model

extension PlanChecks {
  /// S13: "unknown" permits only waiting and reporting.
  static let nothingFromUnknown: Rule = { checked in
    guard !checked.plan.actions.isEmpty else { return [] }
    if checked.target.stacks.value == nil { return ["acts while its stacks are unknown"] }
    let writes = checked.plan.actions.contains(where: \.isRouteWrite)
    return writes && !checked.isRouteKnown ? ["writes a route that could not be read"] : []
  }

  /// S13: what takes away is decided from complete, fresh reads of stacks and route.
  static let freshForDestruction: Rule = { checked in
    let stops = checked.reductions.map(\.stack.generation) + checked.retirements.map(\.generation)
    var wrong: [String] = []
    if !(stops + checked.lowered).isEmpty, checked.target.stacksAge > checked.freshness {
      wrong.append("takes capacity or weight away by a listing that is too old")
    }
    let needsRoute = !checked.lowered.isEmpty || (!stops.isEmpty && !checked.isWorker)
    if needsRoute, !checked.isRouteKnown || checked.target.routeAge > checked.freshness {
      wrong.append("takes capacity or weight away without a fresh read of the route")
    }
    return wrong
  }

  /// S13, S4: where readings show changes late, what takes away waits until one must show all of them.
  static let settledForDestruction: Rule = { checked in
    let stopped = checked.reductions.map(\.stack.generation) + checked.retirements.map(\.generation)
    var wrong: [String] = []
    if !isListingSettled(checked) {
      wrong += stopped.map { "\($0) ends by a listing that may not show what was asked for last" }
      wrong += aloneStarts(checked).map {
        "\($0) starts alone by a listing that may not show what was asked for last"
      }
    }
    if !isRouteSettled(checked) {
      if !checked.isWorker {
        wrong += stopped.map { "\($0) ends by a reading that may not show the last route write" }
      }
      if checked.plan.actions.contains(where: \.isRouteRemoval) {
        wrong.append("the route is removed by a reading that may not show the last write")
      }
    }
    return wrong
  }

  /// Stacks that begin to run and must not run beside another.
  private static func aloneStarts(_ checked: CheckedPlan) -> [Generation] {
    guard checked.spec?.traffic.exclusive == true else { return [] }
    let launched = checked.launches.map(\.stack.generation).filter { checked.stacks[$0] == nil }
    let started = checked.changes.filter { change in
      change.count > 0 && change.seen?.capacity.intended == 0
    }
    return launched + started.map(\.stack.generation)
  }

  private static func isListingSettled(_ checked: CheckedPlan) -> Bool {
    let (late, age) = (checked.target.stacksPropagation, checked.target.stacksAge)
    guard late > .zero else { return true }
    let hasEnded = checked.target.outcomes.contains { !$0.action.isRouteWrite }
    guard !hasEnded, checked.before?.clock != nil else { return false }
    return checked.before?.sinceStackAction.map { $0 + passed(checked) >= late + age } ?? true
  }

  private static func isRouteSettled(_ checked: CheckedPlan) -> Bool {
    let (late, age) = (checked.target.routePropagation, checked.target.routeAge)
    guard late > .zero else { return true }
    let hasEnded = checked.target.outcomes.contains { $0.action.isRouteWrite }
    guard !hasEnded, checked.before?.clock != nil else { return false }
    return checked.before?.route.sinceWrite.map { $0 + passed(checked) >= late + age } ?? true
  }

  /// S14 and observe mode: without the lease or the mode to act there is no action of any kind.
  static let mayAct: Rule = { checked in
    guard !checked.plan.actions.isEmpty else { return [] }
    if checked.input.agent.mode == .observe { return ["acts in observe mode"] }
    return checked.input.agent.holdsLease ? [] : ["acts without the lease"]
  }

  /// S16: a clock grows by what a watched boot clock shows, at most two intervals a pass.
  static let clocksOnlyAccumulate: Rule = { checked in
    guard let before = checked.before, let after = checked.after else { return [] }
    let bound = passed(checked)
    return after.stacks.keys.sorted().compactMap { generation in
      guard let old = before.stacks[generation], let new = after.stacks[generation],
        old.role == new.role, new.inRole - old.inRole > bound
      else { return nil }
      return "the clock of \(generation) grew by \((new.inRole - old.inRole).text)"
    }
  }

  /// What a clock may have grown by in this pass.
  static func passed(_ checked: CheckedPlan) -> Duration {
    let now = checked.input.now
    guard let clock = checked.before?.clock, clock.bootID == now.bootID else { return .zero }
    return max(.zero, min(now.sinceBoot - clock.sinceBoot, checked.input.interval * 2))
  }

  /// S20: a candidate becomes stable only healthy, with all traffic read back, after its bake.
  static let promotionNeedsProof: Rule = { checked in
    guard let rollout = checked.before?.rollout, checked.before?.stable != rollout.candidate,
      checked.after?.stable == rollout.candidate, !isAdopted(rollout.candidate, checked),
      !isFollowed(rollout, checked)
    else { return [] }
    let candidate = rollout.candidate
    var wrong: [String] = []
    let declared = checked.stacks[candidate]?.capacity.declared ?? .max
    if !checked.isFreshlyProbed(candidate)
      || checked.healthy(candidate) < min(declared, wanted(checked) + missing(checked))
    {
      wrong.append("\(candidate) is promoted without healthy, freshly probed instances")
    }
    // A worker that need not bake is promoted in the pass that sees it proven.
    let isProvenNow =
      checked.after?.stacks[candidate]?.gatePassed == true
      && (checked.target.probes[candidate]?.proven ?? 0) >= max(1, wanted(checked))
    if checked.before?.stacks[candidate]?.gatePassed != true, !isProvenNow {
      wrong.append("\(candidate) is promoted and never passed its gate")
    }
    if !checked.isWorker, checked.weight(candidate) != 100 {
      wrong.append("\(candidate) is promoted with \(checked.weight(candidate)) % of the traffic")
    }
    if rollout.cause == .commit || rollout.cause == .drift {
      wrong += unbaked(rollout, checked)
    }
    return wrong
  }

  /// Its last step was watched for as long as it must be, and what a person has to approve is approved.
  private static func unbaked(_ rollout: RolloutMachine, _ checked: CheckedPlan) -> [String] {
    let candidate = rollout.candidate
    guard rollout.isAdvanced != true, !isAdvanceAsked(checked) else { return [] }
    var wrong: [String] = []
    // Its bake may end within this very pass.
    let inRole = checked.before?.stacks[candidate]?.inRole ?? .zero
    let served = passed(checked) + (rollout.step == nil ? inRole : rollout.bake?.served ?? .zero)
    let bake = rollout.step?.bake ?? checked.spec?.rollout.bake ?? .zero
    if served < bake {
      wrong.append("\(candidate) is promoted after \(served.text) of a bake of \(bake.text)")
    }
    if !rollout.isLastStep { wrong.append("\(candidate) is promoted before its last step") }
    if rollout.step?.approvalWithin != nil, !isApproved(rollout, checked) {
      wrong.append("\(candidate) is promoted and nobody has approved it")
    }
    return wrong
  }

  /// S24: the record of its rollout is older than the world, in which it has all traffic.
  static func isAdopted(_ generation: Generation, _ checked: CheckedPlan) -> Bool {
    guard isLossOpen(checked), checked.after?.rollout?.candidate != generation else {
      return false
    }
    // Nothing is done by what is held, whatever it is called.
    if checked.isAdoptionAsked || checked.after?.hold?.reason == .ledgerLost { return true }
    let serves = checked.isWorker || checked.weight(generation) == 100
    let digest = checked.stacks[generation]?.certificate.declaredDigest
    return serves && digest != nil && digest == checked.spec?.declaredDigest
  }

  /// The ledger was lost, and this target has not been judged since.
  private static func isLossOpen(_ checked: CheckedPlan) -> Bool {
    guard let before = checked.before else { return checked.input.agent.isLedgerLost }
    return before.isLossDue == true || checked.input.agent.isLedgerLost && !before.isLossJudged
  }

  private static func wanted(_ checked: CheckedPlan) -> Int {
    max(1, checked.floor)
  }

  /// What may be missing on the way is there at its end.
  private static func missing(_ checked: CheckedPlan) -> Int {
    checked.floor > 0 ? checked.rolling?.unavailable ?? 0 : 0
  }

  /// S24: after a lost ledger only instances are healed, until a person or a commit says more.
  static let lostLedger: Rule = { checked in
    let isJudged = checked.before != nil && checked.after?.isLossJudged == true
    let isUnknown =
      checked.input.agent.isLedgerLost && !isJudged || checked.after?.isLossDue == true
    let wasHeld = checked.before?.hold?.reason == .ledgerLost
    let isHeld = checked.after?.hold?.reason == .ledgerLost
    let isLive = !checked.stacks.isEmpty || !(checked.route?.route.backends.isEmpty ?? true)
    guard isLive, isHeld || (isUnknown && !wasHeld) else { return [] }
    let wrong = checked.plan.actions.filter { action in
      switch action {
      case .setInstances(let stack, let count):
        count < (checked.stacks[stack.generation]?.capacity.intended ?? .max)
      case .ensure(let order): checked.stacks[order.stack.generation] == nil
      case .route, .removeRoute, .runTask, .retire: true
      }
    }
    return wrong.isEmpty ? [] : ["launches, shifts or retires after the ledger was lost"]
  }
}
