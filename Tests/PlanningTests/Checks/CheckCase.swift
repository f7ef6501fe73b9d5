import Model
import Planning

/// A rollout at the moment of its shift: v001 serves, v002 has passed its gate. Without a change
/// the plan, which gives v002 all traffic, breaks no rule.
struct CheckCase {
  static let id = TargetID("web", "production")
  /// A name that it may have had.
  static let before = TargetID("site", "production")
  static let old = TargetSettings(version: "1.0.0").desired(id, source: "main", commit: "c1")
  static let new = TargetSettings(version: "2.0.0").desired(id, source: "main", commit: "c2")

  var input: PlanningInput
  var plan: TargetPlan
  var memory = AgentMemory()
  /// Plans of other targets in the same pass.
  var others: [TargetPlan] = []

  init() {
    var record = TargetRecord(nextGeneration: 3, stable: 1)
    record.rollout = RolloutMachine(candidate: 2, from: 1, cause: .commit)
    record.stacks = [
      1: Self.remembered(Self.old, .stable, wasStable: true),
      2: Self.remembered(Self.new, .candidate, wasStable: false),
    ]
    var clock = WorldClock()
    record.clock = clock.now
    clock.advance(.seconds(1))
    var target = TargetInput(
      id: Self.id, desired: .desired(Self.new),
      stacks: .known([Self.observed(Self.old, 1), Self.observed(Self.new, 2)]),
      route: .known(nil), record: record)
    target.probes = [
      1: ProbeReport(healthy: 2, proven: 2, age: .seconds(1)),
      2: ProbeReport(healthy: 2, proven: 2, age: .seconds(1)),
    ]
    target.route = .known(
      RouteObservation(route: Self.route([1: 100, 2: 0]), revision: "r1"))
    input = PlanningInput(
      now: clock.now,
      sources: [
        "main": SourceState(health: .current, commit: "c2", isComplete: true, targetCount: 1)
      ],
      targets: [target])
    plan = TargetPlan(
      target: Self.id, actions: [.route(Self.route([1: 0, 2: 100]), ifRevision: "r1")],
      record: record, status: TargetStatus(target: Self.id))
  }

  /// The names of the broken rules.
  var broken: Set<String> {
    Set(
      PlanChecks.violations(
        of: plan, input: input, output: PlanningOutput(plan: [plan] + others, memory: memory)
      ).map(\.invariant))
  }

  // MARK: - Changing parts

  var target: TargetInput {
    get { input.targets[0] }
    set { input.targets[0] = newValue }
  }

  /// In the record that was read and in the new one.
  mutating func record(_ change: (inout TargetRecord) -> Void) {
    for path in [\TargetInput.record] {
      if var record = target[keyPath: path] {
        change(&record)
        target[keyPath: path] = record
      }
    }
    after(change)
  }

  /// Only in the new record.
  mutating func after(_ change: (inout TargetRecord) -> Void) {
    if var record = plan.record {
      change(&record)
      plan.record = record
    }
  }

  mutating func stack(_ generation: Generation, _ change: (inout StackObservation) -> Void) {
    guard case .known(var stacks) = target.stacks else { return }
    for index in stacks.indices where stacks[index].id.generation == generation {
      change(&stacks[index])
    }
    target.stacks = .known(stacks)
  }

  mutating func readRoute(_ change: (inout RouteObservation) -> Void) {
    guard case .known(var route?) = target.route else { return }
    change(&route)
    target.route = .known(route)
  }

  /// The route that the plan writes.
  mutating func shift(_ split: [Generation: Int], _ change: (inout Route) -> Void = { _ in }) {
    var route = Self.route(split)
    change(&route)
    plan.actions = [.route(route, ifRevision: "r1")]
  }

  mutating func park(_ generation: Generation, to count: Int = 0) {
    plan.actions = [.setInstances(Self.reference(generation), count: count)]
  }

  mutating func retire(_ generation: Generation) {
    plan.actions = [.retire(Self.reference(generation))]
  }

  /// In this pass v002 becomes stable, and nothing else is done.
  mutating func becomeStable() {
    after { record in
      record.rollout = nil
      record.stable = 2
      record.stacks[1]?.role = .draining
      record.stacks[2]?.role = .stable
    }
    plan.actions = []
  }

  /// v002 was promoted a while ago; v001 stands by, warm.
  mutating func settle() {
    record { record in
      record.rollout = nil
      record.stable = 2
      record.stacks[1]?.role = .warm
      record.stacks[2]?.role = .stable
      record.stacks[2]?.wasStable = true
    }
    readRoute { $0.route = Self.route([1: 0, 2: 100]) }
    plan.actions = []
  }

  /// The same, and v001 is parked, where a listing or a reading of the route may be so late.
  mutating func settleLate(stacks: Duration = .zero, route: Duration = .zero) {
    settle()
    (target.stacksPropagation, target.routePropagation) = (stacks, route)
    park(1)
  }

  /// The parked v001 of a worker starts again, three seconds after something was asked for, where a
  /// listing may be five seconds late.
  mutating func startLate(exclusive: Bool) {
    settle()
    var spec = Self.new
    (spec.traffic.mode, spec.traffic.exclusive, spec.route) = (.none, exclusive, nil)
    target.desired = .desired(spec)
    target.route = .known(nil)
    target.stacksPropagation = .seconds(5)
    target.record?.sinceStackAction = .seconds(3)
    stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
    stack(2) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
    park(1, to: 2)
  }

  /// Nothing of v002 was launched yet: the plan launches it.
  mutating func launch(_ cause: RolloutMachine.Cause = .commit) {
    target.stacks = .known([Self.observed(Self.old, 1)])
    target.probes[2] = nil
    readRoute { $0.route = Self.route([1: 100]) }
    target.record?.rollout = nil
    target.record?.stacks[2] = nil
    target.record?.nextGeneration = 2
    plan.record?.rollout = RolloutMachine(candidate: 2, from: 1, cause: cause)
    plan.record?.stacks[2]?.gatePassed = false
    plan.actions = [.ensure(Self.order(Self.new, 2))]
  }

  /// One turn is given, and another target holds one whose launch its platform refuses.
  mutating func refuse(on platform: PlatformName) {
    input.limits.concurrentRollouts = 1
    after { $0.lastGood = Self.new }
    var record = TargetRecord()
    record.lastGood = Self.new
    record.lastGood?.platform = platform
    record.stacks[2] = Self.remembered(Self.new, .candidate, wasStable: false)
    record.stacks[2]?.isRefused = true
    record.rollout = RolloutMachine(candidate: 2, from: nil, cause: .commit)
    let id = TargetID("other", "production")
    others = [TargetPlan(target: id, record: record, status: TargetStatus(target: id))]
  }

  /// One target of an environment may roll out, and another does.
  mutating func wave(
    beside other: TargetID, declared: DesiredTarget = new, isRefused: Bool = false
  ) {
    var spec = declared
    spec.wave = 1
    target.desired = .desired(spec)
    var record = TargetRecord()
    record.stacks[2] = Self.remembered(Self.new, .candidate, wasStable: false)
    record.stacks[2]?.isRefused = isRefused
    record.rollout = RolloutMachine(candidate: 2, from: nil, cause: .commit)
    others = [TargetPlan(target: other, record: record, status: TargetStatus(target: other))]
  }

  /// The same, of what is running already.
  mutating func relaunch(_ cause: RolloutMachine.Cause) {
    launch(cause)
    target.desired = .desired(Self.old)
    plan.record?.stacks[2] = Self.remembered(Self.old, .candidate, wasStable: false)
    plan.actions = [.ensure(Self.order(Self.old, 2))]
  }

  // MARK: - Parts

  static func digest(_ desired: DesiredTarget) -> Digest { desired.spec.stackDigest([]) }

  static func remembered(
    _ desired: DesiredTarget, _ role: StackRole, wasStable: Bool
  ) -> StackRecord {
    StackRecord(
      role: role, version: desired.version, declaredDigest: desired.declaredDigest,
      stackDigest: digest(desired), inRole: .seconds(60), gatePassed: true, intended: 2,
      wasStable: wasStable)
  }

  static func order(
    _ desired: DesiredTarget, _ generation: Generation, of name: TargetID = id
  ) -> LaunchOrder {
    LaunchOrder(
      stack: StackID(name, generation), source: "main", commit: desired.commit,
      version: desired.version, platform: "local", spec: desired.spec,
      declaredDigest: desired.declaredDigest, stackDigest: digest(desired), resolved: [],
      traffic: desired.traffic)
  }

  static func observed(_ desired: DesiredTarget, _ generation: Generation) -> StackObservation {
    let order = order(desired, generation)
    var stack = WorldStack(
      WorldPlatform.certificate(order, WallTime(milliseconds: 0), 0), .init(), launchTime: .zero)
    stack.phase = .complete
    stack.run(2)
    return stack.observation
  }

  static func reference(_ generation: Generation) -> StackReference {
    let seen = observed(generation == 1 ? old : new, generation)
    return StackReference(generation: generation, launch: seen.certificate.launch)
  }

  static func route(_ split: [Generation: Int]) -> Route {
    let backends = split.keys.sorted().map { generation in
      let seen = observed(generation == 1 ? old : new, generation)
      return Backend(
        generation: generation, launch: seen.certificate.launch, endpoints: seen.endpoints,
        weightPercent: split[generation] ?? 0)
    }
    return Route(
      target: id, mode: .http, declaration: ["listen": "127.0.0.1:8080"], backends: backends)
  }
}
