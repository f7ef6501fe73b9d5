package import Model
package import Planning

/// One target in front of the planner: what a real platform or router has read goes in, what was
/// decided is carried to the next pass, and time passes as the test says.
package struct PlannedTarget {
  /// What the newest commit declares; drift is not waited for, and a bake takes no time.
  package private(set) var desired: DesiredTarget
  package var stacks: [StackObservation] = []
  package var inspections: [Generation: Observed<Inspection>] = [:]
  package var route: Observed<RouteObservation?> = .known(nil)
  /// Stacks whose instances answer no probe.
  package var sick: Set<Generation> = []
  package private(set) var record = TargetRecord()
  package private(set) var fingerprints: [Generation: Fingerprint] = [:]
  private var resolved: [ResolvedInput] = []
  private var now = Now(bootID: "boot", sinceBoot: .zero, wall: WallTime(milliseconds: 0))

  /// `certificate`: of the stack that the first commit has launched, and that is at its gate.
  /// `ignoring`: the target's `drift.ignore`.
  package init(
    _ certificate: BirthCertificate, listen: String = "127.0.0.1:8080", preview: String? = nil,
    ignoring: [String] = []
  ) {
    desired = DesiredTarget(
      id: certificate.stack.target, source: certificate.source, commit: certificate.commit,
      version: certificate.version, platform: certificate.platform, spec: certificate.spec,
      rollout: RolloutPolicy(bake: .zero), traffic: TrafficPolicy(mode: certificate.traffic),
      drift: DriftPolicy(ignore: ignoring, debounce: .zero),
      route: .present(["listen": .string(listen), "preview": preview.map { .string($0) }]),
      declaredDigest: certificate.declaredDigest)
    begin(certificate)
  }

  /// Another commit has launched this stack: it is at its gate.
  package mutating func begin(_ certificate: BirthCertificate) {
    declare(certificate)
    let generation = certificate.stack.generation
    let order = LaunchOrder(
      stack: certificate.stack, source: certificate.source, commit: certificate.commit,
      version: certificate.version, platform: certificate.platform, spec: certificate.spec,
      declaredDigest: certificate.declaredDigest, stackDigest: certificate.stackDigest,
      resolved: certificate.resolved, traffic: desired.traffic)
    record.stacks[generation] = StackRecord(
      role: .candidate, version: certificate.version,
      declaredDigest: certificate.declaredDigest, stackDigest: certificate.stackDigest,
      intended: certificate.spec.instances, order: order)
    record.nextGeneration = generation.next
    var rollout = RolloutMachine(candidate: generation, from: record.stable, cause: .commit)
    _ = rollout.handle(.launched)
    record.rollout = rollout
  }

  /// A commit declares what this stack was launched from.
  package mutating func declare(_ certificate: BirthCertificate) {
    desired.spec = certificate.spec
    desired.declaredDigest = certificate.declaredDigest
    resolved = certificate.resolved
  }

  /// One pass; throws when the plan breaks an invariant, because then nothing of it would be done.
  package mutating func pass(after time: Duration = .milliseconds(100)) throws -> TargetPlan {
    now.sinceBoot += time
    let input = PlanningInput(
      now: now,
      sources: [
        desired.source: SourceState(
          health: .current, commit: desired.commit, isComplete: true, targetCount: 1)
      ],
      targets: [
        TargetInput(
          id: desired.id, desired: .desired(desired),
          resolution: .resolved(
            stackDigest: desired.spec.stackDigest(resolved), inputs: resolved),
          stacks: .known(stacks), probes: probes,
          inspections: inspections.mapValues { InspectionReport(result: $0, age: .zero) },
          fingerprints: fingerprints, route: route, record: record)
      ])
    let output = Planner.plan(input)
    guard let plan = output.plan.first, let record = plan.record else {
      throw SupportError("nothing was planned")
    }
    let violations = PlanChecks.violations(of: plan, input: input, output: output)
    guard violations.isEmpty else { throw SupportError("the plan is refused: \(violations)") }
    self.record = record
    for (generation, fingerprint) in plan.fingerprints { fingerprints[generation] = fingerprint }
    return plan
  }

  /// Passes, with everything done as it was asked for, until the condition holds; the answer is
  /// all of them.
  @discardableResult
  package mutating func go(
    until isDone: (TargetRecord) -> Bool
  ) throws -> [TargetPlan] {
    var plans: [TargetPlan] = []
    while plans.count < 50 {
      let plan = try pass()
      plans.append(plan)
      if isDone(record) { return plans }
      switch plan.actions.first {
      case .route(let wanted, _): route = .known(read(wanted, revision: plans.count))
      case .setInstances(let stack, 0): park(stack.generation)
      case .retire(let stack): stacks.removeAll { $0.id.generation == stack.generation }
      case .setInstances, .ensure, .runTask, .removeRoute, nil: break
      }
    }
    throw SupportError("never: \(plans.last?.status.explanation ?? [])")
  }

  /// Until the stack serves as it is meant to, and nothing is under way.
  package mutating func rest(on stable: Generation) throws {
    try go { $0.stable == stable && $0.rollout == nil && $0.route.isConfirmed }
  }

  private mutating func park(_ generation: Generation) {
    for index in stacks.indices where stacks[index].id.generation == generation {
      stacks[index].capacity.intended = 0
      stacks[index].capacity.running = 0
      stacks[index].endpoints = []
    }
  }

  private func read(_ route: Route, revision: Int) -> RouteObservation {
    let up = route.backends.map { ($0.generation, $0.endpoints.count) }
    return RouteObservation(
      route: route, revision: "\(revision)",
      serversUp: Dictionary(up) { first, _ in first })
  }

  private var probes: [Generation: ProbeReport] {
    let reports = stacks.map { stack in
      let count = sick.contains(stack.id.generation) ? 0 : stack.capacity.running
      return (stack.id.generation, ProbeReport(healthy: count, proven: count, age: .zero))
    }
    return Dictionary(reports) { first, _ in first }
  }
}
