import LedgerKit
import Model

/// The one action of this pass: what is most urgent and not yet as it should be.
///
/// One action per target and pass, so that each is decided from what the one before has made.
extension TargetPass {
  mutating func chooseAction() {
    if let unknown { return note("waits: \(unknown)") }
    if isForgotten { return }
    if record.hold?.reason == .ledgerLost { return note("does nothing: the ledger was lost") }
    // S24: what was just judged is looked at once more before anything is done.
    let isFirstPass = facts.conditions.isLedgerLost && elapsed == .zero
    if isFirstPass || record.isLossDue == true { return note("does nothing yet") }
    if isRemovalAllowed, removalObjection != nil { return }
    changeRoute()
    if actions.isEmpty { restartServing() }
    if actions.isEmpty { healStable() }
    if actions.isEmpty { moveOn() }
    if actions.isEmpty { restartOthers() }
    if actions.isEmpty { goOnWithJobs() }
    if actions.isEmpty { park() }
    if actions.isEmpty { discard() }
  }

  /// Takes the action, unless something keeps it back; the note says what.
  mutating func act(_ action: Action, _ why: String) {
    if facts.isObserving { return note("would: \(why)") }
    if let busy = input.whole.inFlight.first { return note("\(why): waits for \(busy.words)") }
    if let delay = delay(of: action) { return note("\(why): \(delay)") }
    // S13: each action is decided from what the one before has made.
    if action.verb != .route, !isListingSettled {
      return note("\(why): waits until the listing shows what was asked for last")
    }
    // S22: 600 launch calls an hour. What takes away is bounded by what was launched, and a route
    // is never kept from its rollback.
    if action.verb == .launch, record.spent >= Self.hour {
      return note("\(why): waits, 600 launch calls were made within the hour")
    }
    note(why)
    actions.append(action)
    if action.verb == .launch { record.spent += .seconds(6) }
    if action.verb == .route {
      record.route.sinceWrite = .zero
    } else {
      record.sinceStackAction = .zero
    }
  }

  // MARK: - Route

  private mutating func changeRoute() {
    if isRouteOver { return removeRoute() }
    guard let intended = intendedRoute() else { return }
    let observed = route?.route
    let isDrift = observed != nil && !(route?.findings.isEmpty ?? true)
    guard observed != intended || isDrift else { return }
    if observed == nil, !mayCreateRoute { return }
    let isRepair = record.route.wanted == intended && record.route.isConfirmed
    if isRepair, !isRouteSettled {
      return note("waits until a reading of the route shows all writes")
    }
    if isRepair, record.route.repairs.count >= Self.routeRepairs {
      alertOnce(
        .breakerOpen, .error, about: "route",
        "\(id): its route was repaired \(Self.routeRepairs) times within an hour; not again")
      return note("the route is not repaired: \(Self.routeRepairs) times within an hour")
    }
    if record.route.isTaken == true, record.route.wanted == intended, !record.route.isConfirmed,
      record.route.sinceWrite != nil
    {
      return note("waits until the route is read back as written")
    }
    let before = actions.count
    act(.route(intended, ifRevision: route?.revision), "writes the route: \(intended.words)")
    guard actions.count > before else { return }
    remember(intended, isRepair: isRepair)
  }

  /// More often in an hour somebody means it, or the router does not do what it is told.
  private static var routeRepairs: Int { 5 }

  private var mayCreateRoute: Bool {
    record.stable != nil || record.rollout != nil
      || (spec != nil && objection(to: .new, digest: desiredDigest) == nil && clash == nil)
  }

  private mutating func remember(_ intended: Route, isRepair: Bool) {
    if isRepair {
      record.route.repairs.append(.zero)
      let what = route.map { "it was \($0.route.words)" } ?? "it was gone"
      say(.finding, nil, "repairs the route: \(what)")
      alert(
        .routeRepaired, .warning, about: "\(intended.words)-\(route?.revision ?? "none")",
        "\(id): the route was changed by hand and is repaired; \(what)")
    }
    let isRepeated = record.route.wanted == intended && !isRepair && record.route.isTaken != false
    // While the router is at it, requests that have to end above all, nothing is wrong.
    if isRepeated, record.route.isAwaited != true {
      record.route.unconfirmedWrites += 1
      // Written again and again without being read back: ever more seldom.
      if record.route.unconfirmedWrites >= 3 {
        backOff(.route, "the route is not read back as written")
      }
    } else if !isRepeated {
      record.route.unconfirmedWrites = 0
    }
    record.route.wanted = intended
    (record.route.isTaken, record.route.isAwaited) = (nil, nil)
    record.route.isConfirmed = false
  }

  /// What is read back as intended is confirmed: from then on a difference is drift.
  mutating func confirmRoute() {
    guard isKnown, let observed = route, observed.findings.isEmpty else { return }
    guard let intended = intendedRoute(), observed.route == intended else { return }
    record.route.wanted = intended
    record.route.isConfirmed = true
    record.route.unconfirmedWrites = 0
    if record.route.repairs.count < Self.routeRepairs { forgetAlerts(.breakerOpen) }
  }

  /// Its address is free for another target as soon as nothing that was sent there is left. Stacks that
  /// are kept warm need no route; should they be wanted again, there will be one.
  private var isRouteOver: Bool {
    guard let route, isRemovalAllowed || (isWorker && record.rollout == nil) else { return false }
    return isRouteSettled && route.route.backends.allSatisfy { hasLeftRoute($0.generation) }
  }

  private mutating func removeRoute() {
    guard let route else { return }
    act(.removeRoute(route.route.target, ifRevision: route.revision), "removes the route")
  }

  // MARK: - Instances

  /// Stable runs all that it declares, except while the strategy asks for a downtime.
  private mutating func healStable() {
    guard let stable = record.stable, isStableThere, isComplete(stable), !isMeantToRunFully(stable),
      let reference = reference(stable)
    else { return }
    if let rollout = record.rollout {
      let percent = isGrowing(rollout) ? rollout.formerWeightPercent : rollout.weightPercent
      let isShared = percent < 100
      guard rollout.strategy != .recreate, rollout.phase == .rollingBack || isShared else { return }
    }
    if let obstacle = exclusion(stable) { return note("\(stable) is not started: \(obstacle)") }
    act(
      .setInstances(reference, count: wanted(stable)),
      "starts \(wanted(stable)) instances of \(stable)")
  }

  /// Why it may not start while another may run.
  func exclusion(_ generation: Generation) -> String? {
    guard traffic.exclusive else { return nil }
    let other = stacks.keys.sorted().first {
      $0 != generation && (!isParked($0) || isWorking($0))
    }
    return other.map { "\($0) may still run, and this target is exclusive" }
  }

  private mutating func moveOn() {
    guard let rollout = record.rollout else { return }
    let candidate = rollout.candidate
    switch rollout.phase {
    case .vacating: vacate(for: candidate)
    case .launching:
      // Somebody may have started another one again since.
      if rollout.strategy == .recreate { vacate(for: candidate) }
      launch(rollout)
    case .growing: if makesRoom(for: rollout) { unpark(candidate) }
    case .gating:
      unpark(candidate)
      runJobAfterGate(rollout)
      runTest(of: rollout)
    case .shifting:
      guard isWorker, rolloutObjection == nil, isProven(candidate) else { return }
      for generation in stacks.keys.sorted()
      where generation != candidate && record.stacks[generation] != nil && isComplete(generation) {
        if !isParked(generation) { parkNow(generation, "\(candidate) takes over") }
      }
    case .rollingBack: takeBack(rollout)
    case .baking:
      launchBeside()
      runTest(of: rollout)
    case .promoted, .rolledBack: return
    }
  }

  /// What has jobs begins with none of its instances, and needs no room for them yet.
  private mutating func launch(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard isComplete(candidate), hasJobsBefore(rollout) else {
      if isHeldByJobs(rollout) || makesRoom(for: rollout) { ensure(candidate) }
      return
    }
    guard rolloutObjection == nil else { return }
    if isHeldByJobs(rollout) { return runJob(.before, of: rollout) }
    if makesRoom(for: rollout) { unpark(candidate) }
  }

  private mutating func runJobAfterGate(_ rollout: RolloutMachine) {
    guard actions.isEmpty, !isGrowing(rollout),
      gate(of: rollout.candidate, elapsed: rollout.elapsed, isReuse: rollout.isReuse) == .passed
    else { return }
    runJob(.after, of: rollout)
  }

  private mutating func vacate(for candidate: Generation) {
    guard rolloutObjection == nil else { return }
    for generation in stacks.keys.sorted()
    where generation != candidate && record.stacks[generation] != nil && !isParked(generation) {
      // What was never complete cannot be parked: it is retired.
      if isDrained(generation), isComplete(generation) || !isLaunching(generation) {
        parkNow(generation, "for \(candidate) to start")
      }
    }
  }

  private mutating func launchBeside() {
    guard let successor = record.successor, stacks[successor] == nil || isLaunching(successor),
      let order = record.stacks[successor]?.order
    else { return }
    if let objection = objection(to: .new, digest: order.stackDigest) {
      return note("\(successor) is not launched: \(objection)")
    }
    act(.ensure(order), "launches \(successor) (\(order.version))")
  }

  private mutating func ensure(_ candidate: Generation) {
    guard rolloutObjection == nil, let order = record.stacks[candidate]?.order else { return }
    if let quarantine = record.quarantined[order.stackDigest] { return note(quarantine.reason) }
    if let obstacle = exclusion(candidate) {
      return note("\(candidate) is not launched: \(obstacle)")
    }
    act(.ensure(order), "launches \(candidate) (\(order.version))")
  }

  private mutating func unpark(_ candidate: Generation) {
    guard isComplete(candidate), !isMeantToRunFully(candidate),
      let reference = reference(candidate)
    else { return }
    if let obstacle = exclusion(candidate) {
      return note("\(candidate) is not started: \(obstacle)")
    }
    act(
      .setInstances(reference, count: wanted(candidate)),
      "starts \(wanted(candidate)) instances of \(candidate)")
  }

  private mutating func takeBack(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard isComplete(candidate), !isParked(candidate) else { return }
    if rollout.strategy == .recreate {
      if isDrained(candidate) { parkNow(candidate, "it is taken back") }
    } else if isWorker {
      let isReady = record.stable.map { !isStableThere || isProven($0) } ?? true
      if isReady { parkNow(candidate, "it is taken back") }
    }
  }

  private mutating func parkNow(_ generation: Generation, _ why: String) {
    guard actions.isEmpty, let reference = reference(generation) else { return }
    act(.setInstances(reference, count: 0), "parks \(generation): \(why)")
  }

  /// What must not run any more: quarantined and superseded stacks, and idle workers.
  private mutating func park() {
    for (generation, stack) in record.stacks.sorted(by: { $0.key < $1.key }) {
      let isIdle =
        switch stack.role {
        case .quarantined, .superseded: true
        case .warm, .draining: isWorker || strategy == .recreate || strategy == .rolling
        case .candidate, .stable, .retiring: false
        }
      guard isIdle, isDrained(generation), !isParked(generation), stacks[generation] != nil else {
        continue
      }
      if isLaunching(generation) { continue }
      guard isUnrouted(generation) else { continue }
      parkNow(generation, "it is \(stack.role.rawValue)")
    }
  }

  /// The route no longer points to it, so that nothing is sent to what ends.
  private func isUnrouted(_ generation: Generation) -> Bool {
    let role = record.stacks[generation]?.role
    guard role != .warm, role != .draining else { return weight(generation) == 0 }
    return route?.route.backends.contains { $0.generation == generation } != true
  }

  // MARK: - Retirement

  /// What was decided in an earlier pass, so that the decision is on record before anything goes.
  private mutating func discard() {
    if record.route.isUnread { return note("nothing is retired until the route is read again") }
    for generation in retiring {
      guard isDrained(generation), isUnrouted(generation), let reference = reference(generation)
      else { continue }
      if let objection = objection(to: .retire) {
        note("\(generation) is not retired: \(objection)")
        continue
      }
      guard mayRetire(generation) else {
        note("\(generation) is not retired: no other trusted stack is there")
        continue
      }
      if isWorking(generation) {
        note("\(generation) is not retired: a job runs in it")
        continue
      }
      // A rollback must not wait for a long retirement.
      if let phase = record.rollout?.phase, phase == .shifting || phase == .rollingBack { continue }
      guard actions.isEmpty else { return }
      act(.retire(reference), "retires \(generation)")
    }
  }

  /// What has ended goes first, then what was not asked to end yet: so many stacks end side by side, and
  /// none waits for another's last requests.
  private var retiring: [Generation] {
    func rank(_ generation: Generation) -> Int {
      guard let stack = stacks[generation], stack.phase == .retiring else { return 1 }
      return stack.capacity.running == 0 ? 0 : 2
    }
    return record.stacks.filter { $0.value.role == .retiring && $0.value.inRole > .zero }.keys
      .filter { stacks[$0] != nil }
      .sorted { (rank($0), $0) < (rank($1), $1) }
  }
}

extension Action {
  var words: String {
    switch self {
    case .ensure(let order): "the launch of \(order.stack.generation)"
    case .setInstances(let stack, 0): "the parking of \(stack.generation)"
    case .setInstances(let stack, _): "the start of \(stack.generation)"
    case .route, .removeRoute: "a route write"
    case .runTask(let stack, let task): "\(task.name) of \(stack.generation)"
    case .retire(let stack): "the retirement of \(stack.generation)"
    }
  }
}

extension Route {
  /// `, preview v002, chosen v002`.
  private var pickWords: String {
    let picks = [
      ("preview", preview), ("chosen", chosen?.generation), ("sticky", sticky?.generation),
    ]
    return picks.map { name, generation in generation.map { ", \(name) \($0)" } ?? "" }.joined()
  }

  /// `v001 0 %, v002 100 %`.
  var words: String {
    backends.isEmpty
      ? "no backends"
      : backends.map { "\($0.generation) \($0.weightPercent) %" }.joined(separator: ", ")
        + pickWords
  }
}
