import Analysis
import Model

/// Accumulated time: the first thing of a pass, done once.
extension TargetPass {
  mutating func passTime() {
    record.clock = facts.now
    for generation in record.stacks.keys { passTimeWithoutTraffic(generation) }
    passTimeOfPropagation()
    guard elapsed > .zero else { return }
    record.rest(for: elapsed)
    for generation in record.stacks.keys {
      guard let taken = record.stacks[generation]?.sinceLaunchTaken else { continue }
      let time = older(taken)
      record.stacks[generation]?.sinceLaunchTaken = time
    }
    for verb in record.backOffs.keys {
      let left = record.backOffs[verb]?.remaining ?? .zero
      record.backOffs[verb]?.remaining = max(.zero, left - elapsed)
    }
    for generation in record.stacks.keys {
      guard let left = record.stacks[generation]?.backOff?.remaining else { continue }
      record.stacks[generation]?.backOff?.remaining = max(.zero, left - elapsed)
    }
    record.sinceStackAction = older(
      record.sinceStackAction, within: input.whole.stacksPropagation)
    record.route.sinceWrite = older(
      record.route.sinceWrite, within: input.whole.routePropagation)
    record.route.repairs = record.route.repairs.map { $0 + elapsed }.filter { $0 < Self.hour }
    let window = record.breaker.window
    record.breaker.replacements = record.breaker.replacements.map { $0 + elapsed }
      .filter { $0 < window }
  }

  /// Its sessions have the drain's time from the moment in which nothing new comes to it, whatever it
  /// was called then.
  private mutating func passTimeWithoutTraffic(_ generation: Generation) {
    if weight(generation) > 0 {
      record.stacks[generation]?.sinceTraffic = .zero
    } else if let time = record.stacks[generation]?.sinceTraffic, isKnown {
      let isOver = sessions(generation) == 0
      record.stacks[generation]?.sinceTraffic = isOver ? nil : time + elapsed
    }
  }

  static var hour: Duration { .seconds(3600) }

  /// nil once every fresh reading is newer anyway.
  private func older(_ time: Duration?, within propagation: Duration = .zero) -> Duration? {
    guard let time else { return nil }
    return time + elapsed > facts.limits.freshness + propagation ? nil : time + elapsed
  }

  /// Where readings show things late. What an earlier process asked for may have been done since, and
  /// what nobody remembers may have been asked for: an unwatched record begins as if it were now.
  private mutating func passTimeOfPropagation() {
    let (stacksLate, routeLate) = (input.whole.stacksPropagation, input.whole.routePropagation)
    let isUnwatched = input.whole.record?.clock == nil
    if routeLate > .zero, isUnwatched { record.route.sinceWrite = .zero }
    guard stacksLate > .zero else { return }
    if isUnwatched { record.sinceStackAction = .zero }
    guard input.whole.stacks.value != nil else { return }
    for (generation, stack) in record.stacks {
      let isListed = stacks[generation] != nil
      record.stacks[generation]?.absentFor =
        isListed ? nil : stack.absentFor.map { $0 + elapsed } ?? .zero
    }
  }

  /// How long stable has been below its floor, as far as fresh probes tell.
  mutating func passTimeOfStable() {
    guard isKnown, let stable = record.stable else { return }
    let isRunning = isComplete(stable) && isMeantToRunFully(stable)
    if isRunning, probe(stable) == nil || isBooting(stable) { return }
    let isBelow = isRunning && healthy(stable) < floor(of: stable)
    let old = record.stacks[stable]?.belowFloor
    let time = (old ?? .zero) + elapsed
    let new = isBelow && time > .zero ? time : nil
    if new != old { record.stacks[stable]?.belowFloor = new }
  }

  /// The clocks of the rollout run only while somebody is watching and it may go on. A candidate
  /// that fails is taken back all the same.
  mutating func passTimeOfRollout() {
    guard let rollout = record.rollout, isKnown else { return }
    let isHeldBack = rollout.phase != .rollingBack && rolloutObjection != nil
    if rollout.bake != nil {
      record.rollout = served(rollout, isHeldBack: isHeldBack)
    } else if !isHeldBack, !isRunningJob(rollout), !isLaunchRefused || hasMadeRoom,
      rollout.phase == .launching || !isBooting(rollout.candidate)
    {
      let isTested = isWaitingForTests(rollout) && isProven(rollout.candidate)
      _ = record.rollout?.handle(isTested ? .tests(.waited(elapsed)) : .time(elapsed))
    }
  }

  /// After the bake: first for a verdict, then for tests, then for a person.
  private func wait(_ rollout: inout RolloutMachine) {
    guard elapsed > .zero, let bake = rollout.bake, bake.served > bakeTime(of: rollout) else {
      return
    }
    if rollout.analysis != nil, rollout.weightPercent < 100,
      rollout.judgement?.judgement.verdict.permitsPromotion != true
    {
      _ = rollout.handle(.waitedForVerdict(elapsed))
    } else if isWaitingForTests(rollout) {
      _ = rollout.handle(.tests(.waited(elapsed)))
    } else if rollout.step?.approvalWithin != nil, rollout.isApproved != true {
      _ = rollout.handle(.waitedForApproval(elapsed))
    }
  }

  private func served(_ rollout: RolloutMachine, isHeldBack: Bool) -> RolloutMachine {
    var rollout = rollout
    let candidate = rollout.candidate
    let carries = isWorker || weight(candidate) == rollout.weightPercent
    let declared = wanted(candidate)
    let isBlind = !carries || (probe(candidate) == nil && stacks[candidate] != nil)
    if !isBlind, healthy(candidate) >= declared, declared > 0 {
      _ = rollout.handle(.served(isHeldBack ? .zero : elapsed))
      if !isHeldBack { wait(&rollout) }
    } else if !isBlind, !isBooting(candidate), !isStableDead(beside: candidate) {
      _ = rollout.handle(.suffered(elapsed))
    } else if !isHeldBack {
      _ = rollout.handle(.time(elapsed))
    }
    return rollout
  }
}

extension Breaker {
  /// S21: three replacements within it open the breaker.
  var window: Duration { max(.seconds(3600), lastRollout * 5) }
}
