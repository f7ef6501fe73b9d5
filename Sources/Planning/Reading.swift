import Model

/// What was read, as answers to the questions that steps ask.
extension TargetPass {
  /// The spec in force: what is declared, or what was last good.
  var spec: DesiredTarget? {
    if let target = input.target { return target }
    if isRemovalAllowed { return nil }
    if case .removed(_, _, let last?) = input.whole.desired { return last }
    return record.lastGood
  }

  var isRemovalAllowed: Bool { record.removal?.isAllowed == true }

  var isWorker: Bool {
    (spec ?? record.lastGood)?.traffic.mode ?? newestTraffic ?? .http == .none && !servesStill
  }

  /// Declared a worker or not, stacks that were launched for traffic are behind its route. Only a
  /// removal takes away what serves (S10).
  var servesStill: Bool {
    guard let route = input.whole.route.value ?? nil else { return false }
    return route.route.backends.contains { backend in
      stacks[backend.generation].map { $0.certificate.traffic != .none } ?? false
    }
  }

  private var newestTraffic: TrafficPolicy.Mode? {
    stacks.keys.max().flatMap { stacks[$0]?.certificate.traffic }
  }

  var traffic: TrafficPolicy { (spec ?? record.lastGood)?.traffic ?? TrafficPolicy() }
  var policy: RolloutPolicy { (spec ?? record.lastGood)?.rollout ?? RolloutPolicy() }

  var strategy: RolloutPolicy.Strategy { traffic.exclusive ? .recreate : policy.strategy }

  // MARK: - Freshness (S13)

  /// Nothing but waiting and reporting is allowed until both are known and fresh.
  var unknown: String? {
    if case .unknown(let reason) = input.whole.stacks {
      return "the platform is not known: \(reason)"
    }
    if !isFresh(input.whole.stacksAge, since: record.sinceStackAction) {
      return "the platform's listing is \(input.whole.stacksAge.text) old"
    }
    if let generation = absentTooShortly {
      return "\(generation) is not listed, and a listing may show it late"
    }
    if isWorker { return nil }
    if case .unknown(let reason) = input.whole.route { return "the route is not known: \(reason)" }
    if !isFresh(input.whole.routeAge, since: record.route.sinceWrite) {
      return "the route's reading is \(input.whole.routeAge.text) old"
    }
    return nil
  }

  var isKnown: Bool { unknown == nil }

  /// Fresh enough, and newer than what we last asked for.
  private func isFresh(_ age: Duration, since action: Duration?) -> Bool {
    age <= facts.limits.freshness && (action.map { age <= $0 } ?? true)
  }

  /// What serves or is to serve, and is not shown for so short a time that it may be there.
  private var absentTooShortly: Generation? {
    record.stacks.keys.sorted().first { generation in
      let role = record.stacks[generation]?.role
      return (role == .stable || role == .candidate) && mayBeThere(generation)
    }
  }

  /// A listing that shows things late may not show it yet.
  func mayBeThere(_ generation: Generation) -> Bool {
    guard let time = record.stacks[generation]?.absentFor else { return false }
    if time < input.whole.stacksPropagation + input.whole.stacksAge { return true }
    // A launch that was under way may have made it since, also again. Of one that was never seen no launch is
    // taken for another.
    let stack = record.stacks[generation]
    let isLaunched =
      stack?.role == .superseded || (stack?.role == .candidate && stack?.firstSeen != nil)
    return isLaunched && !(isListingSettled && input.whole.inFlight.isEmpty)
  }

  /// The listing shows all that was asked of the platform: only by such a one more is asked.
  var isListingSettled: Bool {
    record.sinceStackAction.map {
      $0 >= input.whole.stacksPropagation + input.whole.stacksAge
    } ?? true
  }

  /// The reading shows the last write, if that was done at all.
  var isRouteSettled: Bool {
    record.route.sinceWrite.map {
      $0 >= input.whole.routePropagation + input.whole.routeAge
    } ?? true
  }

  // MARK: - Stacks

  /// What it is called by its certificate, which may bear an earlier name of the target.
  func name(of generation: Generation) -> String {
    let stack = stacks[generation]?.id ?? record.stacks[generation]?.order?.stack
    return (stack ?? StackID(id, generation)).name()
  }

  var route: RouteObservation? { input.whole.route.value ?? nil }

  func weight(_ generation: Generation) -> Int { route?.route.weightPercent(of: generation) ?? 0 }

  func sessions(_ generation: Generation) -> Int { route?.sessions[generation] ?? 0 }

  /// Newest probes of all instances, no older than two periods and one time-out.
  func probe(_ generation: Generation) -> ProbeReport? {
    guard let report = input.whole.probes[generation], let stack = stacks[generation] else {
      return nil
    }
    let gate = stack.certificate.spec.health
    return report.age <= gate.interval * 2 + gate.timeout ? report : nil
  }

  func healthy(_ generation: Generation) -> Int { probe(generation)?.healthy ?? 0 }

  func isComplete(_ generation: Generation) -> Bool { stacks[generation]?.phase == .complete }

  /// The platform did not take the launch of the rollout in progress. It is asked again, for the same
  /// generation, and the time until it does is not the candidate's.
  var isLaunchRefused: Bool {
    guard let rollout = record.rollout, rollout.phase == .launching else { return false }
    return record.stacks[rollout.candidate]?.isRefused == true
  }

  /// Every instance that is to run does, and is proven by fresh probes.
  func isProven(_ generation: Generation) -> Bool {
    isProven(generation, instances: wanted(generation))
  }

  /// The same of all that it declares, whatever is to run now.
  func isWhollyProven(_ generation: Generation) -> Bool {
    isProven(generation, instances: stacks[generation]?.capacity.declared ?? 0)
  }

  func isProven(_ generation: Generation, instances: Int) -> Bool {
    guard let stack = stacks[generation], stack.phase == .complete else { return false }
    return stack.capacity.running >= instances && (probe(generation)?.proven ?? 0) >= instances
  }

  /// Nothing of it runs, nor is meant to, as far as a settled listing tells.
  func isParked(_ generation: Generation) -> Bool {
    guard let stack = stacks[generation] else { return !mayBeThere(generation) }
    guard isListingSettled else { return false }
    if case .launching = stack.phase { return false }
    return stack.capacity.intended == 0 && stack.capacity.running == 0
  }

  func isLaunching(_ generation: Generation) -> Bool {
    guard case .launching = stacks[generation]?.phase else { return false }
    return true
  }

  func isMeantToRunFully(_ generation: Generation) -> Bool {
    guard let stack = stacks[generation] else { return false }
    return stack.capacity.intended >= wanted(generation)
  }

  /// Read back without weight, and its sessions have ended or had their time (S4).
  func isDrained(_ generation: Generation) -> Bool { isWorker || hasLeftRoute(generation) }

  /// The same of whatever the route shows, also where nothing that takes traffic is declared.
  func hasLeftRoute(_ generation: Generation) -> Bool {
    guard weight(generation) == 0, isRouteSettled else { return false }
    if sessions(generation) == 0 { return true }
    guard let stack = record.stacks[generation] else { return false }
    let since = min(stack.inRole, stack.sinceTraffic ?? stack.inRole)
    return traffic.afterDrain == .close && since >= traffic.drainDeadline
  }

  /// The host has just started, and its stacks with it: what does not answer yet is no fault.
  func isBooting(_ generation: Generation) -> Bool {
    guard let gate = stacks[generation]?.certificate.spec.health else { return false }
    return facts.now.sinceBoot < gate.deadline
  }

  /// Stable runs and does not answer either, so that nothing speaks against this one.
  func isStableDead(beside generation: Generation) -> Bool {
    guard let stable = record.stable, stable != generation, isMeantToRunFully(stable) else {
      return false
    }
    return probe(stable) != nil && healthy(stable) == 0
  }

  func reference(_ generation: Generation) -> StackReference? {
    stacks[generation].map {
      StackReference(generation: generation, launch: $0.certificate.launch)
    }
  }

  // MARK: - Stable

  enum StableState: Equatable {
    case none
    case serving
    /// It is there, and has been below its floor for longer than its own gate would wait.
    case ailing(String)
    /// Gone from a complete listing, or failed for good.
    case lost(String)
  }

  /// It is there, healthy or not.
  var isStableThere: Bool {
    switch stableState {
    case .serving, .ailing: true
    case .none, .lost: false
    }
  }

  /// Why capacity has to be repaired; nil when it need not.
  var needOfRepair: String? {
    switch stableState {
    case .lost(let reason), .ailing(let reason): reason
    case .none, .serving: nil
    }
  }

  var stableState: StableState {
    guard let stable = record.stable else { return .none }
    guard let stack = stacks[stable] else {
      return .lost("\(stable) is gone: it was removed by hand")
    }
    switch stack.phase {
    case .failed(_, let reason): return .lost("\(stable) has failed: \(reason)")
    case .retiring: return .lost("\(stable) is being removed by hand")
    case .launching, .stuck: return .serving
    case .complete:
      guard let below = record.stacks[stable]?.belowFloor,
        below >= stack.certificate.spec.health.deadline
      else {
        return .serving
      }
      let failure = probe(stable)?.lastFailure.map { ": \($0)" } ?? ""
      return .ailing(
        "\(stable) is below its floor, \(healthy(stable)) of \(floor(of: stable)) healthy\(failure)"
      )
    }
  }

  // MARK: - Digests

  var desiredDigest: Digest? {
    guard case .resolved(let digest, _) = input.whole.resolution else { return nil }
    return digest
  }

  /// The recorded stack is what is declared, as far as that is known.
  func isAsDeclared(_ generation: Generation) -> Bool {
    guard let spec, let stack = record.stacks[generation] else { return false }
    guard stack.declaredDigest == spec.declaredDigest, isFit(generation) else { return false }
    return desiredDigest.map { $0 == stack.stackDigest } ?? true
  }

  /// Whether it takes traffic is decided at its launch: a worker has no endpoints to route to.
  func isFit(_ generation: Generation) -> Bool {
    guard let spec, let stack = stacks[generation] else { return true }
    return (stack.certificate.traffic == .none) == (spec.traffic.mode == .none)
  }

  // MARK: - Who wins

  /// Observation is none of them: it explains what would be done, and `act` leaves it out.
  var circumstances: [Precedence.Circumstance] {
    var all: [Precedence.Circumstance] = []
    if record.isPaused || facts.isPaused { all.append(.paused) }
    if input.whole.freeze != nil { all.append(.frozen) }
    if record.breaker.isOpen { all.append(.breakerHeld) }
    if case .held = input.whole.desired { all.append(.sourceHeld) }
    if record.hold?.reason == .ledgerLost { all.append(.ledgerLost) }
    return all
  }

  /// Why the wish must wait; nil when nothing speaks against it.
  func objection(to wish: Precedence.Wish, digest: Digest? = nil) -> String? {
    for circumstance in circumstances {
      switch Precedence.verdict(circumstance, wish) {
      case .yes, .acceptedOnly, .lastGoodSpec, .neverForAbsence: continue
      case .anotherDigestOnly:
        if let digest, digest != record.breaker.digest { continue }
        return text(of: circumstance)
      case .keepsWeight:
        if overridesFreeze(digest) { continue }
        return text(of: circumstance)
      case .no, .alertOnly, .healingOnly, .operatorOnly:
        return text(of: circumstance)
      }
    }
    return nil
  }

  private func text(of circumstance: Precedence.Circumstance) -> String {
    switch circumstance {
    case .paused: record.isPaused ? "the target is paused" : "everything is paused"
    case .frozen: "a freeze window: \(input.whole.freeze ?? "")"
    case .breakerHeld: "the breaker is open"
    case .sourceHeld: "the source is held"
    case .ledgerLost: "the ledger was lost"
    case .observing: "observe mode"
    }
  }

  /// What the rollout in progress, or one of this cause, is to the table.
  func wish(of cause: RolloutMachine.Cause) -> Precedence.Wish {
    switch cause {
    case .commit: .new
    case .drift: .driftReplace
    case .repair: .repair
    case .rollback: .rollback
    }
  }

  /// Why the rollout in progress may not go forward.
  var rolloutObjection: String? {
    guard let rollout = record.rollout else { return nil }
    if let stop = rollout.stop { return "it is held: \(stop.reason)" }
    let digest = record.stacks[rollout.candidate]?.stackDigest
    let wish = rollout.isTakingOver == true ? .repair : wish(of: rollout.cause)
    return objection(to: wish, digest: digest)
  }
}
