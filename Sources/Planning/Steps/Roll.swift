import Model

/// A rolling rollout: instances of stable end while those of the candidate start, some at a time.
extension TargetPass {
  /// How many instances of it are to run now: all that it declares, but while it rolls.
  func wanted(_ generation: Generation) -> Int {
    guard let capacity = stacks[generation]?.capacity else { return 0 }
    if let rollout = record.rollout, generation == rollout.candidate, isHeldByJobs(rollout) {
      return 0
    }
    guard let rollout = record.rollout, let bounds = rollout.bounds else {
      return capacity.declared
    }
    if generation == rollout.candidate {
      // What is taken back grows no more.
      let count =
        rollout.phase == .rollingBack ? capacity.intended : rollout.step?.instances ?? .max
      return min(capacity.declared, count)
    }
    guard generation == record.stable, rollout.phase != .rollingBack else {
      return capacity.declared
    }
    let left = left(of: generation, rollout, bounds)
    // What serves too little already loses nothing more, nor what could not lose anything for long.
    let stack = record.stacks[generation]
    let gate = stacks[generation]?.certificate.spec.health
    let isUnable = gate.map { (stack?.unableToLose ?? .zero) >= patience($0) * 2 } ?? false
    let isShort = rollout.isTakingOver == true || stack?.belowFloor != nil || isUnable
    return isShort ? max(left, min(capacity.intended, capacity.declared)) : left
  }

  private func left(
    of generation: Generation, _ rollout: RolloutMachine, _ bounds: RollingBounds
  ) -> Int {
    bounds.left(
      of: stacks[generation]?.capacity.declared ?? 0,
      beside: rollout.step?.instances ?? bounds.instances)
  }

  /// How long stable has been unable to make room, for an instance of it is not well.
  mutating func passTimeOfRoom() {
    guard elapsed > .zero, let stable = record.stable, record.stacks[stable] != nil else { return }
    guard let rollout = record.rollout, let bounds = rollout.bounds,
      rollout.phase == .launching || rollout.phase == .growing, isComplete(stable)
    else {
      record.stacks[stable]?.unableToLose = nil
      return
    }
    guard isKnown, probe(stable) != nil, let capacity = stacks[stable]?.capacity else { return }
    let count = left(of: stable, rollout, bounds)
    let isUnable = count < capacity.intended && count > 0 && !isSpared(stable, leaving: count)
    let time = (record.stacks[stable]?.unableToLose ?? .zero) + elapsed
    record.stacks[stable]?.unableToLose = isUnable ? time : nil
  }

  /// Instances of stable have ended for a candidate that is not there yet: that is not for long.
  var hasMadeRoom: Bool {
    guard record.rollout?.bounds != nil, let stable = record.stable,
      let capacity = stacks[stable]?.capacity
    else { return false }
    return capacity.intended < capacity.declared
  }

  /// How long instances may take to start; where others leave before, those have their drain besides.
  func startDeadline(of rollout: RolloutMachine) -> Duration {
    facts.limits.phaseDeadline + (rollout.bounds == nil ? .zero : traffic.drainDeadline)
  }

  /// As many healthy instances as all traffic needs while it rolls, or at any other time.
  func wholeFloor(of generation: Generation) -> Int {
    let declared = stacks[generation]?.capacity.declared ?? 0
    let floor = min(declared, spec?.spec.instances ?? declared)
    guard let bounds = record.rollout?.bounds else { return floor }
    // Of both that share, and of the commit that rolls: a newer one may wait for it.
    let old = record.stable.flatMap { stacks[$0]?.capacity.declared } ?? declared
    let least = min(floor, old, bounds.instances)
    return max(min(1, least), least - bounds.unavailable)
  }

  /// As many healthy instances as no action may fall below (S2).
  func floor(of generation: Generation) -> Int {
    let floor = wholeFloor(of: generation)
    guard record.rollout?.bounds != nil, generation == record.stable else { return floor }
    return min(floor, wanted(generation))
  }

  /// Where requests may be sent: an instance that is to end leaves the route before.
  func endpoints(_ generation: Generation) -> [Endpoint] {
    let all = stacks[generation]?.endpoints.sorted() ?? []
    if let rollout = record.rollout, rollout.bounds != nil, generation == rollout.candidate {
      return all.filter { isServing($0, of: rollout) }
    }
    guard generation == record.stable, isLosing(generation) else { return all }
    let kept = all.filter { $0.instance < wanted(generation) }
    // What loses all is parked, once it has no traffic.
    return kept.isEmpty ? all : kept
  }

  /// What has not passed its gate is sent nothing, and what is taken back gets nothing more.
  private func isServing(_ endpoint: Endpoint, of rollout: RolloutMachine) -> Bool {
    switch rollout.phase {
    case .growing, .gating:
      guard let passed = rollout.formerInstances else { return true }
      let isNew = !isRouted(endpoint, of: rollout)
      return endpoint.instance < passed
        && (!isNew || isProven(rollout.candidate, instances: passed))
    case .shifting: return isProven(rollout.candidate) || isRouted(endpoint, of: rollout)
    case .rollingBack: return isRouted(endpoint, of: rollout)
    case .vacating, .launching, .baking, .promoted, .rolledBack: return true
    }
  }

  /// The route as read back sends requests there, or knows nothing of the candidate yet.
  private func isRouted(_ endpoint: Endpoint, of rollout: RolloutMachine) -> Bool {
    let routed = route?.route.backends.first { $0.generation == rollout.candidate }
    return routed.map { $0.endpoints.contains(endpoint) } ?? true
  }

  /// Fewer of it are to run, and what is left can carry its share.
  private func isLosing(_ generation: Generation) -> Bool {
    guard let capacity = stacks[generation]?.capacity, record.rollout?.bounds != nil,
      wanted(generation) < capacity.intended
    else { return false }
    let hasLeft = isRouteSettled && hasLeftRoute(generation, beyond: wanted(generation))
    return hasLeft || isSpared(generation, leaving: wanted(generation))
  }

  /// The route as read back has no instance of it from this number on, nor requests of one.
  private func hasLeftRoute(_ generation: Generation, beyond count: Int) -> Bool {
    guard let route,
      let backend = route.route.backends.first(where: { $0.generation == generation })
    else { return true }
    return backend.endpoints.allSatisfy { $0.instance < count }
  }

  /// Even if all that end are healthy.
  private func isSpared(_ generation: Generation, leaving count: Int) -> Bool {
    guard let capacity = stacks[generation]?.capacity, probe(generation) != nil else {
      return false
    }
    let left = healthy(generation) - max(0, capacity.intended - count)
    // An older reading may show less than it has.
    let given = max(weight(generation), record.route.wanted?.weightPercent(of: generation) ?? 0)
    return left >= needed(for: given, wholeFloor(of: generation))
  }

  /// Shares are whole percents, and so up to one of them is none.
  func needed(for percent: Int, _ floor: Int) -> Int {
    percent == 0 ? 0 : max(1, ((percent - 1) * floor + 99) / 100)
  }

  /// The share of the load, in percent, that finds what it needs, as it is split now.
  var coverage: Int {
    (route?.route.split ?? [:]).filter { $0.value > 0 }.map { generation, percent in
      min(100, healthy(generation) * 100 / needed(for: percent, wholeFloor(of: generation)))
    }.min() ?? 0
  }

  /// The candidate has as many instances as its step gives it, once there is room for them.
  mutating func makesRoom(for rollout: RolloutMachine) -> Bool {
    guard rollout.bounds != nil else { return true }
    guard rolloutObjection == nil else { return false }
    guard let stable = record.stable, let stack = stacks[stable], let reference = reference(stable)
    else { return true }
    let share = needed(for: rollout.formerWeightPercent, wholeFloor(of: rollout.candidate))
    if isGrowing(rollout), healthy(rollout.candidate) < share {
      note(
        "\(healthy(rollout.candidate)) instances of \(rollout.candidate) are healthy: no more start"
      )
      return false
    }
    let count = wanted(stable)
    guard max(stack.capacity.intended, stack.capacity.running) > count else { return true }
    guard isComplete(stable) else {
      // What is stuck makes no room for anybody.
      if case .stuck = stack.phase { return true }
      note("waits until \(stable) is complete again")
      return false
    }
    guard stack.capacity.intended > count else {
      note("waits until \(stack.capacity.running - count) instances of \(stable) have ended")
      return false
    }
    let isFree =
      count == 0
      ? isDrained(stable)
      : isSpared(stable, leaving: count) && isRouteSettled && route?.findings.isEmpty == true
        && hasLeftRoute(stable, beyond: count)
    guard isFree else {
      note("waits until \(stack.capacity.intended - count) instances of \(stable) may end")
      return false
    }
    act(
      .setInstances(reference, count: count),
      "leaves \(count) of \(stack.capacity.intended) instances of \(stable): \(rollout.candidate)"
        + " takes over")
    return false
  }

  /// It has a share, and more of its instances are to prove themselves before it gets the next.
  func isGrowing(_ rollout: RolloutMachine) -> Bool {
    switch rollout.phase {
    case .growing, .gating: rollout.formerWeightPercent > 0
    case .vacating, .launching, .shifting, .baking, .promoted, .rollingBack, .rolledBack: false
    }
  }

  mutating func watchGrowth(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard let stack = stacks[candidate] else {
      return fail(.init(.platformFault, "\(candidate) is gone: it was removed by hand"))
    }
    if case .failed(let fault, let reason) = stack.phase {
      return fail(.init(fault: fault, reason))
    }
    if let failure = failureOfShare(rollout) { return fail(failure) }
    if isComplete(candidate), isMeantToRunFully(candidate) {
      _ = record.rollout?.handle(.grown)
      return
    }
    note(
      "more instances of \(candidate) start\(rollout.stepWords), \(rollout.elapsed.rounded.text)")
    if rollout.elapsed >= startDeadline(of: rollout) {
      fail(
        .init(.platformFault, "no more instances were started in \(rollout.elapsed.text)"))
    }
  }

  /// It cannot carry what it has, for as long as a candidate may be unwell.
  func failureOfShare(_ rollout: RolloutMachine) -> RolloutMachine.Failure? {
    let candidate = rollout.candidate
    guard let short = record.stacks[candidate]?.belowFloor,
      let gate = stacks[candidate]?.certificate.spec.health, short >= patience(gate)
    else { return nil }
    let why = probe(candidate)?.lastFailure ?? "\(healthy(candidate)) healthy"
    return .init(.stackFault, "\(candidate) got worse while more of it started: \(why)")
  }

  /// Accumulated time for which a candidate that has a share could not carry it, while more of it starts.
  mutating func passTimeOfShare() {
    guard let rollout = record.rollout, isGrowing(rollout), isKnown,
      probe(rollout.candidate) != nil, !isBooting(rollout.candidate)
    else { return }
    let candidate = rollout.candidate
    let isShort =
      healthy(candidate)
      < needed(for: rollout.formerWeightPercent, wholeFloor(of: candidate))
    let time = (record.stacks[candidate]?.belowFloor ?? .zero) + elapsed
    record.stacks[candidate]?.belowFloor = isShort && time > .zero ? time : nil
  }

  /// Why nothing rolls yet; nil where nothing stands against it.
  var obstacleToRolling: String? {
    guard strategy == .rolling, !isWorker, let stable = record.stable, stableState == .serving,
      isComplete(stable), !isMeantToRunFully(stable)
    else { return nil }
    return "all instances of \(stable) have to run first"
  }

  /// What the strategy of this rollout is made of; nil: it does not roll.
  func bounds(of cause: RolloutMachine.Cause, instances: Int) -> RollingBounds? {
    guard strategy == .rolling, isShareable(for: cause) else { return nil }
    // Where neither may be, which shares of few instances can come to, one more is.
    let unavailable = min(policy.maxUnavailable ?? 0, max(0, instances - 1))
    return RollingBounds(
      instances: instances, surge: max(policy.maxSurge ?? 1, unavailable == 0 ? 1 : 0),
      unavailable: unavailable)
  }
}
