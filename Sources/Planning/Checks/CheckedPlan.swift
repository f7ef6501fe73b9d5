import Model

/// One target's plan beside everything that was read of the target: the facts that rules are about.
struct CheckedPlan: Sendable {
  let plan: TargetPlan
  let target: TargetInput
  let input: PlanningInput
  let output: PlanningOutput
  /// Of the complete listing; empty when there was none.
  let stacks: [Generation: StackObservation]
  /// As read back; nil when there is none or it could not be read.
  let route: RouteObservation?
  /// The route that the plan writes.
  let newRoute: Route?
  let launches: [LaunchOrder]
  let retirements: [StackReference]

  init(plan: TargetPlan, target: TargetInput, input: PlanningInput, output: PlanningOutput) {
    self.plan = plan
    self.target = target
    self.input = input
    self.output = output
    let all = (target.stacks.value ?? []).map { ($0.id.generation, $0) }
    stacks = Dictionary(all) { first, _ in first }
    route = target.route.value ?? nil
    newRoute = plan.actions.compactMap(\.writtenRoute).last
    launches = plan.actions.compactMap(\.launch)
    retirements = plan.actions.compactMap(\.retirement)
  }

  var before: TargetRecord? { target.record }
  var after: TargetRecord? { plan.record }
  var freshness: Duration { input.limits.freshness }

  /// One of the names that the target has, or had before.
  func isOwn(_ name: TargetID) -> Bool { name == target.id || target.formerly.contains(name) }

  var isRouteKnown: Bool { target.route.value != nil }

  /// The spec in force: declared, or the last good one.
  var spec: DesiredTarget? {
    if let spec = target.desired.target { return spec }
    if case .removed(_, _, let last?) = target.desired { return last }
    return before?.lastGood ?? after?.lastGood
  }

  /// A commit asks for its end; that may be held.
  var isRemoved: Bool {
    guard case .removed = target.desired else { return false }
    return true
  }

  /// What serves may be taken away without anything in its place.
  var isRemovalAllowed: Bool { isRemoved && after?.removal?.isAllowed == true }

  var isWorker: Bool {
    if let spec { return spec.traffic.mode == .none }
    return stacks.values.contains { $0.certificate.traffic == .none }
  }

  /// A person accepts, in this pass, what is there.
  var isAdoptionAsked: Bool {
    input.requests.contains { request in
      guard case .adopt(let asked) = request.verb else { return false }
      return asked.map(isOwn) ?? true
    }
  }

  /// A moment without capacity is what the manifest asks for, or did when the rollout began.
  var allowsDowntime: Bool {
    let begun = [before?.rollout?.strategy, after?.rollout?.strategy].compactMap { $0 }
    if begun.contains(.recreate) || spec?.traffic.exclusive == true { return true }
    return begun.isEmpty && spec?.rollout.strategy == .recreate
  }

  /// Launches of generations that no record knows and nobody saw.
  var newLaunches: [LaunchOrder] {
    launches.filter {
      stacks[$0.stack.generation] == nil && before?.stacks[$0.stack.generation] == nil
    }
  }

  /// Changes of instance counts, with the stack they concern.
  var changes: [(stack: StackReference, count: Int, seen: StackObservation?)] {
    plan.actions.compactMap { action in
      guard case .setInstances(let stack, let count) = action else { return nil }
      return (stack, count, stacks[stack.generation])
    }
  }

  /// Changes that stop something.
  var reductions: [(stack: StackReference, count: Int, seen: StackObservation?)] {
    changes.filter { change in
      guard let seen = change.seen else { return true }
      return change.count < max(seen.capacity.intended, seen.capacity.running)
    }
  }

  /// Stacks whose weight grows over what was read back.
  var raised: [Backend] {
    (newRoute?.backends ?? []).filter { $0.weightPercent > weight($0.generation) }
  }

  /// Stacks whose weight falls under what was read back.
  var lowered: [Generation] {
    guard let newRoute else { return [] }
    return (route?.route.backends ?? []).map(\.generation).filter {
      newRoute.weightPercent(of: $0) < weight($0)
    }
  }

  /// As read back, never as remembered.
  func weight(_ generation: Generation) -> Int {
    route?.route.weightPercent(of: generation) ?? 0
  }

  func healthy(_ generation: Generation) -> Int { target.probes[generation]?.healthy ?? 0 }

  /// The newest probes of all instances are no older than two periods and one time-out.
  func isFreshlyProbed(_ generation: Generation) -> Bool {
    guard let probe = target.probes[generation], let seen = stacks[generation] else { return false }
    let gate = seen.certificate.spec.health
    return probe.age <= gate.interval * 2 + gate.timeout
  }

  /// Why the rollout of this candidate was begun; nil for any other stack.
  func cause(_ generation: Generation) -> RolloutMachine.Cause? {
    guard let rollout = after?.rollout, rollout.candidate == generation else { return nil }
    // In place of a stable that serves too little it repairs.
    return rollout.isTakingOver == true ? .repair : rollout.cause
  }

  /// Instances that must answer at 100 % (S2).
  var floor: Int {
    guard let spec, !isRemovalAllowed, !allowsDowntime else { return 0 }
    guard let stable = before?.stable, let seen = stacks[stable] else { return 0 }
    if seen.capacity.owner == .autoscaler { return healthy(stable) }
    // A rollout that a newer commit waits for is of a commit of its own.
    let candidate = after?.rollout.flatMap { stacks[$0.candidate]?.capacity.declared } ?? .max
    let all = min(seen.capacity.declared, spec.spec.instances, candidate)
    return max(min(1, all), all - (rolling?.unavailable ?? 0))
  }

  /// How far a rollout may fall short that lets its instances follow each other; nil: it does not.
  var rolling: RollingBounds? { before?.rollout?.bounds ?? after?.rollout?.bounds }
}

extension Action {
  var launch: LaunchOrder? {
    guard case .ensure(let order) = self else { return nil }
    return order
  }

  var retirement: StackReference? {
    guard case .retire(let stack) = self else { return nil }
    return stack
  }

  var writtenRoute: Route? {
    guard case .route(let route, _) = self else { return nil }
    return route
  }

  var reference: StackReference? {
    switch self {
    case .setInstances(let stack, _), .runTask(let stack, _), .retire(let stack): stack
    case .ensure, .route, .removeRoute: nil
    }
  }

  var isRouteRemoval: Bool {
    if case .removeRoute = self { true } else { false }
  }

  var isRouteWrite: Bool {
    switch self {
    case .route, .removeRoute: true
    case .ensure, .setInstances, .runTask, .retire: false
    }
  }
}
