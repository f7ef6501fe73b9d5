import Model
import Planning

/// A state as bytes that say everything a later step depends on, and nothing else: two states with the
/// same bytes go on in the same way.
///
/// Generations are ranks, times are ticks up to the longest that anything waits for, and sentences are
/// left out. Ages within the hour of a breaker or a budget are left out as well: of states that differ
/// in nothing else only the first one found is followed.
struct CanonicalState {
  private(set) var bytes: [UInt8] = []
  private var ranks: [TargetID: [Generation: UInt8]] = [:]

  /// No deadline of the search is longer, in ticks; what is over it is over it.
  private static let longest = 2

  init(_ state: SearchState) {
    bytes.reserveCapacity(256)
    put(state.isHeld)
    put(state.isPlanned)
    put(state.crashesLeft)
    for target in state.targets {
      rank(target, state)
      put(state, target)
    }
  }

  // MARK: - Parts

  private mutating func put(_ state: SearchState, _ target: TargetID) {
    let world = state.world
    put(state.version(target))
    for (generation, stack) in sorted(world.platform.stacks[target] ?? [:]) {
      put(generation, of: target)
      put(stack)
    }
    mark()
    put(world.router.routes[target]?.route, target)
    put(world.ledger.records[target], target, world)
    for generation in (world.ledger.fingerprints[target] ?? [:]).keys.sorted() {
      put(generation, of: target)
    }
    mark()
    let revision = world.router.routes[target]?.revision
    for outcome in world.process.outcomes[target] ?? [] { put(outcome, target, revision) }
    mark()
    for outcome in state.ended[target] ?? [] { put(outcome, target, revision) }
    mark()
    for action in state.pending[target] ?? [] { put(action, target, revision) }
    mark()
    if let action = state.late[target] { put(action, target, revision) }
    mark()
    put(state.oracle.served.contains(target))
    for generation in (ranks[target] ?? [:]).keys.sorted()
    where state.oracle.passedGate.contains(StackID(target, generation)) {
      put(generation, of: target)
    }
    mark()
  }

  private mutating func put(_ stack: WorldStack) {
    put(stack.certificate.version)
    switch stack.phase {
    case .launching: put(0)
    case .complete: put(1)
    case .failed: put(2)
    case .retiring: put(3)
    case .stuck: put(4)
    }
    put(ticks: stack.launchRemaining)
    put(stack.intended)
    put(stack.behaviour.isUnhealthy)
    put(stack.restarts)
    for instance in stack.instances {
      put(instance.isRunning)
      put(instance.age >= stack.behaviour.startTime)
      put(ticks: instance.missing)
      put(min(instance.streak, stack.certificate.spec.health.healthyAfter))
    }
  }

  private mutating func put(_ route: Route?, _ target: TargetID) {
    put(route != nil)
    for backend in route?.backends ?? [] {
      put(backend.generation, of: target)
      put(backend.weightPercent)
      put(backend.endpoints.count)
    }
    mark()
    put(route?.fallback, of: target)
  }

  private mutating func put(_ record: TargetRecord?, _ target: TargetID, _ world: World) {
    guard let record else { return put(0) }
    put(1)
    put(record.clock != nil)
    if let clock = record.clock { put(ticks: world.clock.sinceBoot - clock.sinceBoot) }
    put(record.nextGeneration, of: target)
    put(record.stable, of: target)
    put(record.successor, of: target)
    put(record.rollout, target)
    for (generation, stack) in sorted(record.stacks) {
      put(generation, of: target)
      put(stack)
    }
    mark()
    // Of several that are kept the one that has been kept for longest goes first.
    let kept = record.stacks.filter { $0.value.role != .stable }
    for (generation, _) in kept.sorted(by: { ($0.value.inRole, $0.key) < ($1.value.inRole, $1.key) }
    ) {
      put(generation, of: target)
    }
    mark()
    for (digest, quarantine) in record.quarantined.sorted(by: { $0.key < $1.key }) {
      put(digest)
      put(quarantine.generation, of: target)
    }
    mark()
    put(record.hold?.reason.rawValue)
    put(record.hold?.digest)
    put(record.isPaused)
    put(record.breaker.isOpen)
    put(record.breaker.digest)
    put(record.breaker.replacements.count)
    put(min(record.supersedes, 3))
    for (verb, backOff) in record.backOffs.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      put(verb.rawValue)
      put(backOff)
    }
    mark()
    for generation in record.drift.keys.sorted() { put(generation, of: target) }
    mark()
    put(record.lastGood?.version)
    put(record.route, target)
    put(record.noEvidence)
    put(record.removal != nil)
    put(record.isLossJudged)
    put(record.isLossDue == true)
    put(record.namesTaken)
    put(record.queue?.count ?? 0)
    put(record.group?.commits.count ?? 0)
    put(record.group?.fault != nil)
    put(record.group?.alone, of: target)
    put(ticks: record.sinceStackAction)
  }

  private mutating func put(_ rollout: RolloutMachine?, _ target: TargetID) {
    guard let rollout else { return mark() }
    put(rollout.candidate, of: target)
    put(rollout.from, of: target)
    put(rollout.cause.rawValue)
    put(rollout.strategy.rawValue)
    put(rollout.isReuse)
    put(rollout.hasServed == true)
    put(rollout.isIrreversible == true)
    put(rollout.stop?.kind.rawValue ?? "")
    put(rollout.phase.rawValue)
    put(ticks: rollout.elapsed)
    put(ticks: rollout.bake?.suffered)
    put(ticks: rollout.bake?.blind)
    put(rollout.bake?.restarts ?? 0)
    put(rollout.failure?.kind.rawValue)
    put(rollout.position.step)
    put(rollout.isApproved == true)
    put(rollout.isAdvanced == true)
  }

  private mutating func put(_ stack: StackRecord) {
    put(stack.role.rawValue)
    put(stack.version)
    // Of a stable only whether a pass has seen it as such.
    put(ticks: stack.role == .stable ? min(stack.inRole, SearchState.tick) : stack.inRole)
    put(ticks: stack.sinceTraffic)
    put(stack.firstSeen != nil)
    put(ticks: stack.belowFloor)
    put(stack.backOff != nil)
    if let backOff = stack.backOff { put(backOff) }
    put(ticks: stack.sinceLaunchTaken)
    put(stack.isRefused == true)
    put(stack.gatePassed)
    put(stack.intended)
    put(stack.hasDrifted)
    put(stack.wasStable)
    put(stack.order != nil)
  }

  private mutating func put(_ intent: RouteIntent, _ target: TargetID) {
    put(intent.wanted, target)
    put(intent.isConfirmed)
    put(ticks: intent.sinceWrite)
    put(intent.isUnread)
    put(intent.isTaken == true)
    put(intent.unconfirmedWrites)
    put(intent.repairs.count)
  }

  private mutating func put(_ action: Action, _ target: TargetID, _ revision: String?) {
    put(action.verb.rawValue)
    put(action.generation, of: target)
    switch action {
    case .setInstances(_, let count): put(count)
    case .route(let route, let expected):
      put(route, target)
      put(expected == revision)
    case .removeRoute(_, let expected): put(expected == revision)
    case .ensure(let order): put(order.version)
    case .runTask(_, let task): put(task.name)
    case .retire: break
    }
  }

  private mutating func put(_ outcome: ActionOutcome, _ target: TargetID, _ revision: String?) {
    put(outcome.action, target, revision)
    switch outcome.result {
    case .done: put(0)
    case .waiting: put(1)
    case .transient: put(2)
    case .conflict: put(3)
    case .rejected(let fault, _): put(fault == .stack ? 4 : 5)
    }
  }

  private mutating func put(_ backOff: BackOff) {
    put(min(backOff.attempts, 10))
    put(Int(backOff.remaining / SearchState.tick))
  }

  // MARK: - Atoms

  private mutating func put(_ number: Int) { bytes.append(UInt8(truncatingIfNeeded: number)) }
  private mutating func put(_ isSo: Bool) { bytes.append(isSo ? 1 : 0) }
  /// Ends a list.
  private mutating func mark() { bytes.append(0xFE) }

  private mutating func put(_ text: String?) {
    if let text { bytes += text.utf8 }
    bytes.append(0xFD)
  }

  private mutating func put(_ digest: Digest?) { put(digest?.short) }

  private mutating func put(ticks time: Duration?) {
    guard let time else { return bytes.append(0xFC) }
    let tick = SearchState.tick.wholeMilliseconds
    put(min(Self.longest, (time.wholeMilliseconds + tick - 1) / tick))
  }

  private mutating func put(_ generation: Generation?, of target: TargetID) {
    bytes.append(generation.map { ranks[target]?[$0] ?? 0xFB } ?? 0xFC)
  }

  private func sorted<Value>(
    _ values: [Generation: Value]
  ) -> [(key: Generation, value: Value)] {
    values.sorted { $0.key < $1.key }
  }

  /// Only the order of generations matters: every one that is named anywhere gets its rank.
  private mutating func rank(_ target: TargetID, _ state: SearchState) {
    var all = Set((state.world.platform.stacks[target] ?? [:]).keys)
    all.formUnion(state.world.router.routes[target]?.route.backends.map(\.generation) ?? [])
    all.formUnion(state.pending[target]?.compactMap(\.generation) ?? [])
    if let generation = state.late[target]?.generation { all.insert(generation) }
    if let highest = state.oracle.highest[target] { all.insert(highest) }
    if let record = state.world.ledger.records[target] {
      all.formUnion(record.stacks.keys)
      all.formUnion(record.quarantined.values.map(\.generation))
      all.formUnion(record.route.wanted?.backends.map(\.generation) ?? [])
      all.formUnion([record.stable, record.successor].compactMap { $0 })
      if let rollout = record.rollout {
        all.formUnion([rollout.candidate, rollout.from].compactMap { $0 })
      }
      all.insert(record.nextGeneration)
    }
    let sorted = all.sorted().enumerated()
    ranks[target] = Dictionary(sorted.map { ($0.element, UInt8($0.offset)) }) { first, _ in first }
  }
}
