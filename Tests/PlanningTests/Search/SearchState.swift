import Model
import Planning

/// How large a world the search goes through.
struct SearchBounds {
  var targets = 2
  var versions = 3
  var crashes = 2
  /// A call of a process that died may still be under way and happen later.
  var hasLateCalls = false
  /// What the plan checks refuse is wrong; otherwise only what is done to the world is judged.
  var asksPlanChecks = true
  var retain = 1
  var onNewCommit = RolloutPolicy.OnNewCommit.supersede
}

/// One state: the world, and the two processes of the agent beside it.
///
/// Both run the same program, and a process that does not hold the lease holds nothing: so the
/// state only says whether one of them holds it, and what that one is doing.
struct SearchState {
  var world = World()
  var oracle = WorldOracle()
  /// A process has the lease, and has begun.
  var isHeld = false
  var crashesLeft: Int
  /// Of the holder's last plan: what is still to be done, by target; the first is next.
  var pending: [TargetID: [Action]] = [:]
  /// What ended of it; told to the planner when all of a target's has.
  var ended: [TargetID: [ActionOutcome]] = [:]
  /// Calls of processes that died, which may happen yet.
  var late: [TargetID: Action] = [:]
  /// Nothing has happened since the holder's last plan.
  var isPlanned = false
  private var commits = 0

  /// A pass a minute: every constant of the planner that is shorter has gone by at the next pass.
  static let tick = Duration.seconds(60)
  static let targets: [TargetID] = [
    TargetID("web", "production"), TargetID("api", "production"),
  ]

  init(_ bounds: SearchBounds) {
    crashesLeft = bounds.crashes
    world.interval = Self.tick
    world.platform.launchTime = Self.tick * 2
    // Targets meet: only one of them may have a candidate at a time.
    world.limits.concurrentRollouts = 1
    world.limits.phaseDeadline = Self.tick * 2
    for target in Self.targets.prefix(bounds.targets) { declare(target, 0, bounds) }
  }

  var targets: [TargetID] { world.targetIDs }

  /// Stacks whose health may change.
  var running: [StackID] {
    targets.flatMap { target in
      (world.platform.stacks[target] ?? [:]).keys.sorted()
        .filter { world.platform[target, $0]?.running ?? 0 > 0 }.map { StackID(target, $0) }
    }
  }

  func version(_ target: TargetID) -> Int {
    Int(world.desired(target).target?.version.dropFirst() ?? "") ?? 0
  }

  private mutating func declare(_ target: TargetID, _ version: Int, _ bounds: SearchBounds) {
    var settings = TargetSettings(version: "v\(version)", instances: 1)
    settings.rollout = RolloutPolicy(
      bake: Self.tick, onNewCommit: bounds.onNewCommit,
      retain: Retention(
        stacks: bounds.retain, warm: Self.tick * 2, quarantined: Self.tick * 2))
    // Five of them unanswered fail a bake: not within one tick.
    settings.health.interval = Self.tick / 4
    settings.health.healthyAfter = 2
    settings.health.deadline = Self.tick * 2
    commits += 1
    // What the agent makes of it is in the source.
    _ = world.sources["main"]?.push(
      CommitID(rawValue: "c\(commits)"), set: [target: settings], remove: [], broken: [],
      as: "main")
  }
}

/// What may happen next. Targets and stacks are numbered as the state sorts them.
enum SearchMove: Hashable {
  case commit(target: Int, version: Int)
  case takeLease
  case plan
  case act(target: Int)
  case crash
  case late(target: Int)
  case health(stack: Int)
  case tick

  /// Six bits of what and two numbers.
  var code: UInt16 {
    switch self {
    case .commit(let target, let version): 0x0100 | UInt16(target << 4 | version)
    case .takeLease: 0x0200
    case .plan: 0x0300
    case .act(let target): 0x0400 | UInt16(target)
    case .crash: 0x0500
    case .late(let target): 0x0600 | UInt16(target)
    case .health(let stack): 0x0700 | UInt16(stack)
    case .tick: 0x0800
    }
  }

  init(code: UInt16) {
    let number = Int(code & 0xFF)
    switch code >> 8 {
    case 1: self = .commit(target: number >> 4, version: number & 15)
    case 2: self = .takeLease
    case 3: self = .plan
    case 4: self = .act(target: number)
    case 5: self = .crash
    case 6: self = .late(target: number)
    case 7: self = .health(stack: number)
    default: self = .tick
    }
  }
}

extension SearchState {
  /// What goes on by itself: the agent does the next thing, and time passes.
  ///
  /// Of two targets with something under way the first goes on first. Time passes while nobody is there,
  /// and after a pass.
  var quietMoves: [SearchMove] {
    let targets = targets
    let moves = targets.indices.filter { late[targets[$0]] != nil }.map {
      SearchMove.late(target: $0)
    }
    return moves + (isHeld ? [calm] : [.takeLease, .tick])
  }

  /// What happens when no call is late any more.
  var calm: SearchMove {
    guard isHeld else { return .takeLease }
    if let next = targets.firstIndex(where: { pending[$0] != nil }) { return .act(target: next) }
    return isPlanned ? .tick : .plan
  }

  /// What comes from outside.
  ///
  /// A commit is read by a pass alone, and what a stack's health is between a pass and its actions nobody
  /// can know: both come while nothing is under way and somebody is there to look.
  func events(_ bounds: SearchBounds) -> [SearchMove] {
    guard isHeld else { return [] }
    var events: [SearchMove] = crashesLeft > 0 ? [.crash] : []
    guard pending.isEmpty else { return events }
    for (index, target) in targets.enumerated() {
      for version in 0..<bounds.versions where version != self.version(target) {
        events.append(.commit(target: index, version: version))
      }
    }
    events += running.indices.map { .health(stack: $0) }
    return events
  }

  /// Makes the move; the answer is what is wrong with it.
  mutating func make(
    _ move: SearchMove, _ bounds: SearchBounds, _ plan: World.Plan, isChecked: Bool = true
  ) -> [String] {
    let targets = targets
    isPlanned = false
    switch move {
    case .commit(let target, let version): declare(targets[target], version, bounds)
    case .takeLease:
      world.restart(losingActions: true)
      isHeld = true
    case .plan: return decide(plan, isChecked && bounds.asksPlanChecks)
    case .act(let target): return act(targets[target], isChecked)
    case .crash: crash(bounds)
    case .late(let target):
      guard let action = late.removeValue(forKey: targets[target]) else { break }
      let before = world
      _ = world.effect(of: action, on: targets[target])
      return isChecked ? oracle.wrong(from: before, to: world) : []
    case .health(let stack):
      let stack = running[stack]
      world.platform[stack.target, stack.generation]?.behaviour.isUnhealthy.toggle()
    case .tick:
      late = [:]
      world.advance(Self.tick)
    }
    return []
  }

  private mutating func decide(_ plan: World.Plan, _ isChecked: Bool) -> [String] {
    oracle.watch(world)
    var input = world.input
    for index in input.targets.indices {
      input.targets[index].inFlight = pending[input.targets[index].id] ?? []
    }
    let output = plan(input)
    let wrong =
      isChecked
      ? output.plan.flatMap { target in
        PlanChecks.violations(of: target, input: input, output: output).map {
          "the plan checks refuse \(target.target): \($0.invariant): \($0.message)"
        }
      } : []
    world.process.outcomes = [:]
    world.ledger.persist(output)
    (world.ledger.entries, world.ledger.alerts) = ([], [])
    for target in output.plan where pending[target.target] == nil && !target.actions.isEmpty {
      pending[target.target] = target.actions
    }
    isPlanned = true
    return wrong
  }

  /// As the executor: one after another, and none after one that is not done.
  private mutating func act(_ target: TargetID, _ isChecked: Bool) -> [String] {
    guard let action = pending[target]?.first else { return [] }
    oracle.watch(world)
    let before = world
    let result = world.effect(of: action, on: target)
    let wrong = isChecked ? oracle.wrong(from: before, to: world) : []
    ended[target, default: []].append(ActionOutcome(action: action, result: result))
    pending[target]?.removeFirst()
    if result != .done || pending[target]?.isEmpty ?? true {
      world.process.outcomes[target, default: []] += ended.removeValue(forKey: target) ?? []
      pending[target] = nil
    }
    return wrong
  }

  private mutating func crash(_ bounds: SearchBounds) {
    if bounds.hasLateCalls { late = pending.compactMapValues(\.first) }
    (pending, ended) = ([:], [:])
    world.restart(losingActions: true)
    isHeld = false
    crashesLeft -= 1
  }
}

extension SearchState {
  /// Targets that neither serve what is declared nor have a reason for that which a person is told.
  var unexplained: [TargetID] {
    targets.filter { target in
      guard let desired = world.desired(target).target, let record = world.ledger.records[target]
      else { return true }
      let route = world.router.routes[target]?.route
      let serves = (world.platform.stacks[target] ?? [:]).contains { generation, stack in
        stack.certificate.declaredDigest == desired.declaredDigest
          && stack.healthy == stack.declared && route?.weightPercent(of: generation) == 100
      }
      let isRefused = record.quarantined.values.contains {
        $0.declaredDigest == desired.declaredDigest
      }
      return !serves && !isRefused && record.hold == nil
    }
  }
}
