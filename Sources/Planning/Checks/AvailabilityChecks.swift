import Model

extension PlanChecks {
  /// S2: a shift never makes the capacity behind the split worse than it is.
  static let availabilityOfSplit: Rule = { checked in
    guard let new = checked.newRoute else { return [] }
    let old = checked.route?.route.backends ?? []
    let (now, then) = (coverage(of: old, checked), coverage(of: new.backends, checked))
    guard then < 100, then < now else { return [] }
    return ["the shift lowers the covered load from \(now) % to \(then) %"]
  }

  /// The share of the load that finds healthy capacity, in percent of what the floor demands. Of what is
  /// routed to no more can answer than there is.
  private static func coverage(of backends: [Backend], _ checked: CheckedPlan) -> Int {
    guard checked.floor > 0 else { return 100 }
    return backends.filter { $0.weightPercent > 0 }.map { backend in
      let answering = min(checked.healthy(backend.generation), backend.endpoints.count)
      return min(100, answering * 100 / needed(backend.weightPercent, checked))
    }.min() ?? 0
  }

  /// ⌈W · floor⌉. Two stacks that roll share by instances, of which whole percents are an approximation.
  private static func needed(_ weightPercent: Int, _ checked: CheckedPlan) -> Int {
    let percent = checked.rolling == nil ? weightPercent : weightPercent - 1
    return max(1, (percent * checked.floor + 99) / 100)
  }

  /// S2: no stack that carries weight, or is about to, loses instances that it needs.
  static let availabilityOfInstances: Rule = { checked in
    guard checked.floor > 0 else { return [] }
    let stopped =
      checked.reductions.map { ($0.stack.generation, $0.count) }
      + checked.retirements.map { ($0.generation, 0) }
    return stopped.compactMap { generation, count in
      let then = checked.newRoute?.weightPercent(of: generation) ?? 0
      let weight = max(checked.weight(generation), then)
      guard weight > 0 else { return nil }
      // All that end may be healthy, and all that stay are not for certain.
      let ended = (checked.stacks[generation]?.capacity.intended ?? 0) - count
      let left = min(checked.healthy(generation) - ended, count)
      guard left < needed(weight, checked) else { return nil }
      return "\(generation) carries \(weight) % and would be left with \(left) instances"
    }
  }

  /// S2 for workers, where running is serving: stable stops only once another stack has taken over.
  static let availabilityOfWorkers: Rule = { checked in
    guard checked.isWorker, checked.floor > 0 else { return [] }
    let stopped = Set(
      checked.reductions.map(\.stack.generation) + checked.retirements.map(\.generation))
    return stopped.sorted().compactMap { generation in
      let isTrusted =
        generation == checked.before?.stable || generation == checked.after?.stable
      guard isTrusted else { return nil }
      let left =
        checked.stacks.keys.filter { !stopped.contains($0) }.map(checked.healthy).max() ?? 0
      guard left < checked.floor else { return nil }
      return "the worker \(generation) stops while no other stack has \(checked.floor) healthy"
    }
  }

  /// S3: only the instance count changes in place, from 0 to what was declared.
  static let immutability: Rule = { checked in
    checked.changes.compactMap { change in
      guard let seen = change.seen else { return nil }
      guard !(0...seen.capacity.declared).contains(change.count) else { return nil }
      return "\(change.stack.generation) would run \(change.count) of \(seen.capacity.declared)"
    }
  }

  /// S19: until the bake ends, the stack that a rollback returns to stays whole.
  static let rollbackStaysAvailable: Rule = { checked in
    guard let rollout = checked.before?.rollout, !checked.isRemovalAllowed else { return [] }
    let isOver = checked.after?.rollout == nil && checked.after?.stable == rollout.candidate
    let kept = Set([rollout.from, checked.before?.stable].compactMap { $0 })
    let retired = checked.retirements.map(\.generation).filter(kept.contains)
    // While instances follow each other, S2 says how many of them have to stay.
    let isParkingAllowed =
      isOver || checked.allowsDowntime || checked.isWorker || rollout.bounds != nil
      || checked.after?.rollout?.bounds != nil
    let reduced = isParkingAllowed ? [] : checked.reductions.map(\.stack.generation)
    return retired.map { "\($0) is retired while a rollout may have to return to it" }
      + reduced.filter(kept.contains).map {
        "\($0) loses instances while a rollout may have to return to it"
      }
  }

  /// `exclusive`: nothing starts unless a fresh read shows that nothing else runs or will.
  static let exclusive: Rule = { checked in
    guard checked.spec?.traffic.exclusive == true else { return [] }
    let starting = starts(checked.plan.actions)
    let underWay = starts(checked.target.inFlight)
    return starting.sorted().compactMap { generation in
      if let other = starting.union(underWay).sorted().first(where: { $0 != generation }) {
        return "\(generation) and \(other) would be started together"
      }
      guard checked.target.stacks.value != nil, checked.target.stacksAge <= checked.freshness else {
        return "\(generation) starts without a fresh listing"
      }
      let running = checked.stacks.values.first { $0.id.generation != generation && mayRun($0) }
      return running.map { "\(generation) starts while \($0.id.generation) may still run" }
    }
  }

  private static func starts(_ actions: [Action]) -> Set<Generation> {
    Set(
      actions.compactMap { action in
        switch action {
        case .ensure(let order): order.stack.generation
        case .setInstances(let stack, let count): count > 0 ? stack.generation : nil
        case .route, .removeRoute, .runTask, .retire: nil
        }
      })
  }

  private static func mayRun(_ stack: StackObservation) -> Bool {
    if case .launching = stack.phase { return true }
    return stack.capacity.running > 0 || stack.capacity.intended > 0 || isWorking(stack)
  }
}
