import Model
import Planning

/// Judges the world alone, whatever the planner and its checks believe.
struct WorldOracle {
  private(set) var passedGate: Set<StackID> = []
  private(set) var highest: [TargetID: Generation] = [:]
  private(set) var served: Set<TargetID> = []

  /// What is true before the next pass acts.
  mutating func watch(_ world: World) {
    for (target, stacks) in world.platform.stacks {
      for (generation, stack) in stacks
      where stack.phase == .complete && stack.intended > 0 && stack.proven == stack.intended {
        passedGate.insert(StackID(target, generation))
      }
      highest[target] = max(highest[target] ?? 0, stacks.keys.max() ?? 0)
    }
    for target in highest.keys where isTraceless(target, world) { highest[target] = nil }
    for (target, route) in world.router.routes
    where route.route.backends.contains(where: { $0.weightPercent > 0 }) {
      served.insert(target)
    }
  }

  /// The ledger was lost, and everything that the target ever ran is gone: nobody can know numbers.
  private func isTraceless(_ target: TargetID, _ world: World) -> Bool {
    world.ledger.losses > 0 && world.ledger.records[target]?.stacks.isEmpty ?? true
      && world.platform.stacks[target]?.isEmpty ?? true
      && world.router.routes[target]?.route.backends.isEmpty ?? true
  }

  /// What actions did to the world, nothing else having happened in between.
  func wrong(from before: World, to after: World) -> [String] {
    var wrong: [String] = []
    for target in after.targetIDs {
      var found = weights(of: target, before, after)
      found += capacity(of: target, before, after)
      found += deletions(of: target, before, after)
      found += launches(of: target, before, after)
      found += running(of: target, before, after)
      wrong += found.map { "\(target): \($0)" }
    }
    return wrong
  }

  /// S1 and S17.
  private func weights(of target: TargetID, _ before: World, _ after: World) -> [String] {
    guard let route = after.router.routes[target]?.route else { return [] }
    var wrong: [String] = []
    let sum = route.backends.map(\.weightPercent).reduce(0, +)
    if sum != 100, sum != 0 { wrong.append("S17: the weights sum to \(sum)") }
    let old = before.router.routes[target]?.route
    for backend in route.backends
    where backend.weightPercent > (old?.weightPercent(of: backend.generation) ?? 0) {
      if !passedGate.contains(StackID(target, backend.generation)) {
        wrong.append("S1: \(backend.generation) got weight and never passed a gate")
      }
    }
    let wasServing = old?.backends.contains { $0.weightPercent > 0 } ?? false
    if sum == 0, wasServing, !mayStop(target, before) {
      wrong.append("S2: the route was closed")
    }
    return wrong
  }

  /// S2: what answers behind the split never becomes less by an action.
  private func capacity(of target: TargetID, _ before: World, _ after: World) -> [String] {
    guard !mayStop(target, before), served.contains(target) else { return [] }
    let rollout = before.ledger.records[target]?.rollout ?? after.ledger.records[target]?.rollout
    if let bounds = rollout?.bounds {
      let (old, new) = (coverage(target, bounds, before), coverage(target, bounds, after))
      return new < old ? ["S2: an action lowered the covered load from \(old) to \(new) %"] : []
    }
    let stable = before.ledger.records[target]?.stable.flatMap { before.platform[target, $0] }
    let wanted = min(before.desired(target).target?.spec.instances ?? 1, stable?.declared ?? .max)
    let (old, new) = (answering(target, before), answering(target, after))
    return new < min(old, wanted) ? ["S2: an action lowered \(old) answering to \(new)"] : []
  }

  /// Where instances follow each other: what finds healthy capacity, of the load that may be missed none.
  private func coverage(_ target: TargetID, _ bounds: RollingBounds, _ world: World) -> Int {
    let backends = world.router.routes[target]?.route.backends.filter { $0.weightPercent > 0 } ?? []
    let declared = backends.compactMap { world.platform[target, $0.generation]?.declared }
    let wanted = world.desired(target).target?.spec.instances ?? 1
    let floor = max(1, min(declared.min() ?? 1, wanted) - bounds.unavailable)
    return backends.map { backend in
      let healthy = world.platform[target, backend.generation]?.healthy ?? 0
      let needed = max(1, ((backend.weightPercent - 1) * floor + 99) / 100)
      return min(100, min(healthy, backend.endpoints.count) * 100 / needed)
    }.min() ?? 0
  }

  /// The least that one serving stack answers with.
  private func answering(_ target: TargetID, _ world: World) -> Int {
    let backends = world.router.routes[target]?.route.backends.filter { $0.weightPercent > 0 } ?? []
    return backends.map { world.platform[target, $0.generation]?.healthy ?? 0 }.min() ?? 0
  }

  /// S4.
  private func deletions(of target: TargetID, _ before: World, _ after: World) -> [String] {
    (before.platform.stacks[target] ?? [:]).keys.sorted().flatMap { generation -> [String] in
      let old = before.platform[target, generation]
      let new = after.platform[target, generation]
      guard old?.phase != .retiring, new == nil || new?.phase == .retiring else { return [] }
      let weight = before.router.routes[target]?.route.weightPercent(of: generation) ?? 0
      var wrong = weight > 0 ? ["S4: \(generation) was retired under \(weight) %"] : []
      if before.ledger.records[target]?.stable == generation, !mayStop(target, before) {
        wrong.append("S4: \(generation) was retired and is stable")
      }
      return wrong
    }
  }

  /// S6 and S8.
  private func launches(of target: TargetID, _ before: World, _ after: World) -> [String] {
    let stacks = after.platform.stacks[target] ?? [:]
    var wrong: [String] = []
    for generation in stacks.keys where before.platform[target, generation] == nil {
      if let last = highest[target], generation <= last {
        wrong.append("S6: \(generation) was launched after \(last)")
      }
    }
    let count = stacks.values.count { $0.phase != .retiring && $0.certificate.mac == "valid" }
    if count > 9, wrong.isEmpty, before.platform.stacks[target]?.count != stacks.count {
      wrong.append("S8: \(count) stacks")
    }
    return wrong
  }

  /// An exclusive target never runs twice.
  private func running(of target: TargetID, _ before: World, _ after: World) -> [String] {
    guard before.desired(target).target?.traffic.exclusive == true else { return [] }
    func count(_ world: World) -> Int {
      (world.platform.stacks[target] ?? [:]).values.count { $0.running > 0 }
    }
    return count(after) > max(1, count(before)) ? ["exclusive: \(count(after)) stacks run"] : []
  }

  /// A removal, or a strategy that asks for a downtime.
  private func mayStop(_ target: TargetID, _ world: World) -> Bool {
    switch world.desired(target) {
    case .removed: true
    case .undeclared: false
    case .desired(let spec), .held(let spec, _):
      spec.rollout.strategy == .recreate || spec.traffic.exclusive || spec.traffic.mode == .none
    }
  }
}
