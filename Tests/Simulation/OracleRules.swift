import Model

extension Oracle {
  /// Somebody interfered so lately that the agent cannot have read it yet: two passes, one route's
  /// propagation, and the longest that an answer may take.
  func isTouched(_ target: TargetID) -> Bool {
    let setup = simulation.schedule.setup
    let slack =
      12_000 + setup.propagationMilliseconds + setup.listingMilliseconds
      + (simulation.schedule.windows.map(\.size).max() ?? 0) * 2
    return ground.touchedAt[target].map { now - $0 < slack } ?? false
  }

  /// A removal that a commit has proved, or a strategy that asks for a moment without capacity.
  func mayStop(_ target: TargetID) -> Bool {
    guard removed[target] == nil, let declaration = declared[target] else { return true }
    // It was declared again while the pass that closes it was under way.
    if let revived = revivedAt[target], now - revived < simulation.slowestAnswer { return true }
    if declaration.mode == .none || declaration.exclusive { return true }
    // A rollout keeps the strategy that it began with.
    if courses[target]?.contains(where: { $0.strategy == .recreate }) == true { return true }
    // What serves was launched as a worker: there is no route to lose.
    return ground.stacks(of: target).contains { $0.certificate.traffic == .none }
  }

  /// S24: after a lost ledger only instances are healed, until a commit or a person says more.
  func judgeLoss(_ effect: Effect) {
    let target = effect.target
    let stacks = ground.stacks(of: target)
    let split = ground.routes[target]?.route.split ?? [:]
    if stacks.isEmpty, split.values.allSatisfy({ $0 == 0 }) { held[target] = nil }
    // By hand, or by what was under way, what is declared has come to serve since.
    let serving = stacks.first { split[$0.id.generation] == 100 }
    if let serving, held[target] == serving.certificate.declaredDigest { held[target] = nil }
    guard held[target] != nil else { return }
    switch effect {
    case .ensure(let certificate):
      guard ground.stacks[certificate.stack] == nil else { return }
    case .setInstances(let certificate, let count):
      guard count < ground.stacks[certificate.stack]?.intended ?? 0 else { return }
    case .route(let route): guard route.split != split, !split.isEmpty else { return }
    case .run: break
    case .retire, .removeRoute: break
    }
    report("S24", "\(effect.text), after the ledger was lost")
  }

  // MARK: - Traffic

  /// S1, when it is asked for: whoever gets more weight has passed its gate and answered just now.
  func judgeEvidence(_ route: Route) {
    for backend in route.backends {
      let id = StackID(route.target, backend.generation)
      guard backend.weightPercent > ground.weight(id) else { continue }
      guard proven.contains(backend.launch) else {
        report("S1", "\(id) is given \(backend.weightPercent) % and never passed its gate")
        continue
      }
      guard let stack = ground.stacks[id], !isTouched(route.target) else { continue }
      let period = stack.gate.interval.wholeMilliseconds * 2 + stack.gate.timeout.wholeMilliseconds
      // The answer of the probe, and the reading of the pass, may be under way.
      let window = period + simulation.slowestAnswer
      if ground.lately(stack, window) == 0 {
        report(
          "S1", "\(id) is given \(backend.weightPercent) % and has not answered for \(window) ms")
      }
    }
  }

  /// S17, S2, S10 and S24 of a route write.
  func judgeRoute(_ route: Route) {
    let target = route.target
    let sum = route.backends.map(\.weightPercent).reduce(0, +)
    if sum != 100, sum != 0 { report("S17", "\(target): the weights sum to \(sum)") }
    if Set(route.backends.map(\.generation)).count != route.backends.count {
      report("S17", "\(target): a stack stands twice behind the route")
    }
    judgePicks(route)
    let old = ground.routes[target]?.route.split ?? [:]
    if sum == 0, old.values.contains(where: { $0 > 0 }) { judgeClosing(target) }
    judgeCapacity(route, old)
    judgeReturn(route, old)
    judgeSteps(route)
    noteMembers(target)
    judgeRelease(route)
    for backend in route.backends where backend.weightPercent > 0 {
      let id = StackID(target, backend.generation)
      // What rolls is promoted some time after it has all.
      if !rolls(target) || backend.weightPercent == 100 {
        servingSince[id] = servingSince[id] ?? now
      }
      judgeRepetition(id)
      served.insert(target)
    }
    for (generation, weight) in old where weight > 0 && route.weightPercent(of: generation) == 0 {
      let id = StackID(target, generation)
      if let since = servingSince.removeValue(forKey: id),
        now - max(since, failedAt[id] ?? 0, blindAt) > 2000 + longestBake(target)
      {
        wasTrusted.insert(id)
      }
    }
  }

  /// S1 and S17: who is chosen, or stays, reaches what has a share; the preview what is behind the route.
  private func judgePicks(_ route: Route) {
    for generation in [route.chosen?.generation, route.sticky?.generation].compactMap({ $0 })
    where route.weightPercent(of: generation) == 0 {
      report("S1", "\(route.target): \(generation) gets chosen requests and has no share")
    }
    guard let preview = route.preview else { return }
    if !route.backends.contains(where: { $0.generation == preview }) {
      report("S17", "\(route.target): the preview reaches \(preview), which is not behind it")
    }
  }

  /// S2: a shift never makes the capacity behind the split worse than it is.
  private func judgeCapacity(_ route: Route, _ old: [Generation: Int]) {
    let target = route.target
    guard !mayStop(target), served.contains(target), !isTouched(target) else { return }
    let window = 2000 + simulation.slowestAnswer
    // What takes over may be of a commit that a newer one waits for, and declare less.
    let declaredBehind =
      route.backends.filter { $0.weightPercent > 0 }
      .compactMap { ground.stacks[StackID(target, $0.generation)]?.declared }.min() ?? .max
    func cover(_ split: [Generation: Int], _ healthy: (LiveStack) -> Int) -> Int {
      let serving = split.filter { $0.value > 0 }
      guard !serving.isEmpty else { return 0 }
      return serving.map { generation, weight in
        let floor = min(floor(of: target), declaredBehind)
        let needed = needed(weight, of: target, floor)
        let stack = ground.stacks[StackID(target, generation)]
        return min(100, (stack.map(healthy) ?? 0) * 100 / needed)
      }.min() ?? 0
    }
    let before = cover(old, ground.healthy)
    let after = cover(route.split) { ground.lately($0, window) }
    if after < 100, after < before {
      report("S2", "\(target): a shift lowers the covered load from \(before) % to \(after) %")
    }
  }

  /// The least of what serves and what is declared.
  private func floor(of target: TargetID) -> Int {
    let serving = ground.routes[target]?.route.backends.filter { $0.weightPercent > 0 } ?? []
    let declaredThere = serving.compactMap {
      ground.stacks[StackID(target, $0.generation)]?.declared
    }
    return min(declaredThere.min() ?? .max, declared[target]?.instances ?? 1)
  }

  /// S2 and S10: traffic ends only for a removal that a complete commit has proved, within the caps.
  private func judgeClosing(_ target: TargetID) {
    guard let commit = removed[target] else {
      if !mayStop(target) { report("S2", "\(target): the route was closed") }
      return
    }
    removals[target] = removals[target] ?? now
    wasTrusted = wasTrusted.filter { $0.target != target }
    let lately = removals.values.filter { now - $0 < 86_400_000 }.count
    if lately > max(1, simulation.schedule.setup.removalsAtOnce), !approved.contains(commit),
      acceptedCommit.map({ !approved.contains($0) }) ?? true
    {
      report("S10", "\(target): removal \(lately) within a day, nobody has approved \(commit)")
    }
  }

  func judgeRouteRemoval(_ target: TargetID) {
    let old = ground.routes[target]?.route.split ?? [:]
    if old.values.contains(where: { $0 > 0 }) {
      report("S4", "\(target): a route that carries traffic is removed")
    }
  }

  // MARK: - Instances

  /// S3, S2 and S19 of a change of instances.
  func judgeInstances(_ certificate: BirthCertificate, _ count: Int) {
    let id = certificate.stack
    guard let stack = ground.stacks[id], stack.certificate.launch == certificate.launch else {
      return
    }
    if !(0...stack.declared).contains(count) {
      report("S3", "\(id) would run \(count) of \(stack.declared)")
    }
    guard count < stack.intended else { return }
    judgeLoss(of: stack, leaving: count, "loses instances")
  }

  /// S2 and S19: instances or a whole stack go away.
  private func judgeLoss(of stack: LiveStack, leaving count: Int, _ what: String) {
    let id = stack.id
    guard !mayStop(id.target), !isTouched(id.target) else { return }
    let weight = ground.weight(id)
    let needed = needed(weight, of: id.target, floor(of: id.target))
    if weight > 0, min(count, ground.healthy(stack)) < min(needed, ground.healthy(stack)) {
      report("S2", "\(id) \(what) under \(weight) % of the traffic")
    }
    judgeWayBack(stack, what)
  }

  /// S19: until the bake ends, the stack that a rollback returns to stays whole.
  private func judgeWayBack(_ stack: LiveStack, _ what: String) {
    let id = stack.id
    guard !rolls(id.target), let left = ground.leftAt[id], let declaration = declared[id.target],
      let serving = ground.routes[id.target]?.route.backends.first(where: {
        $0.weightPercent == 100
      }),
      serving.generation > id.generation, proven.contains(stack.certificate.launch),
      let since = servingSince[StackID(id.target, serving.generation)], left >= since - 1,
      wasTrusted.contains(id), rejected.isDisjoint(with: [id]),
      ground.healthy(stack) == stack.declared
    else { return }
    // A policy that came since counts for the next rollout; the shorter one is what may be asked for.
    let bake = min(declaration.bakeMilliseconds, shortestBake[id.target] ?? .max)
    // Passes count time in whole intervals, each at most once.
    if now - since < bake - 2 * simulation.schedule.setup.intervalMilliseconds,
      ground.stacks[StackID(id.target, serving.generation)].map({ ground.healthy($0) > 0 }) ?? false
    {
      report("S19", "\(id) \(what) \(now - since) ms into a bake of \(bake) ms")
    }
  }

  // MARK: - Retirement

  /// S4, S5 and S24.
  func judgeRetirement(_ certificate: BirthCertificate) {
    let id = certificate.stack
    guard let stack = ground.stacks[id] else { return }
    guard stack.certificate.launch == certificate.launch else {
      report("S5", "\(id) is retired by the certificate of another launch")
      return
    }
    gone.insert(id)
    guard stack.phase != .retiring, !isTouched(id.target) else { return }
    let weight = ground.weight(id)
    if weight > 0 { report("S4", "\(id) is retired under \(weight) % of the traffic") }
    let drain = declared[id.target]?.drainMilliseconds ?? 0
    if ground.isBusy(id), let left = ground.leftAt[id],
      now - left < drain - simulation.schedule.setup.intervalMilliseconds
    {
      report("S4", "\(id) is retired with sessions, \(now - left) ms into a drain of \(drain) ms")
    }
    guard !mayStop(id.target) else { return }
    let serving = ground.routes[id.target]?.route.backends.filter { $0.weightPercent > 0 } ?? []
    if serving.isEmpty, wasTrusted.contains(id),
      !ground.stacks(of: id.target).contains(where: { $0.id != id && wasTrusted.contains($0.id) })
    {
      report("S4", "\(id) is retired and is the last known good stack")
    }
    judgeLoss(of: stack, leaving: 0, "is retired")
  }

  // MARK: - Launches

  /// S3, S6, S8, S9, S11, S21 and S24.
  func judgeLaunch(_ certificate: BirthCertificate) {
    let id = certificate.stack
    if isLedgerLost, ground.stacks(of: id.target).isEmpty {
      // Everything that it ever ran is gone, and what was written of it: nobody can know its numbers.
      forget(id.target)
    } else if isLedgerLost, ground.stacks[id] == nil, !gone.contains(id) {
      // Removed by hand, and what was written of it is lost.
      launches[id] = nil
    }
    if let known = launches[id] {
      if known != certificate.launch {
        report("S6", "\(id) is launched twice, as different stacks")
      }
      if ground.stacks[id] == nil, gone.contains(id) {
        report("S6", "\(id) is launched again after it was retired")
      }
      if let stack = ground.stacks[id], stack.certificate.stackDigest != certificate.stackDigest {
        report("S3", "\(id) would become something else")
      }
      return
    }
    launches[id] = certificate.launch
    launchedAt[id] = now
    if accepted[id.target]?[certificate.declaredDigest] == nil {
      report("S11", "\(id) is of a digest that no accepted commit declares")
    }
    if !simulation.isLossKnown,
      let newest = launches.keys.filter({ $0.target == id.target && $0 != id }).max(),
      newest.generation > id.generation
    {
      report("S6", "\(id) is launched after \(newest.generation)")
    }
    judgeSpurious(certificate)
    let count = ground.stacks(of: id.target).count { $0.phase != .retiring }
    let bound = 7 + (declared[id.target]?.retain ?? 0)
    if count >= bound { report("S8", "\(id.target): \(count + 1) stacks") }
  }

  /// S7: what serves whole and as it was launched is not launched again.
  private func judgeSpurious(_ certificate: BirthCertificate) {
    let target = certificate.stack.target
    // A person may have asked for another try, and whose answers are lost looks dead.
    guard !isTouched(target), pardons[target] == nil,
      !simulation.schedule.windows.contains(where: { $0.part == .probe })
    else { return }
    let same = ground.stacks(of: target).first {
      $0.certificate.stackDigest == certificate.stackDigest && ground.weight($0.id) == 100
        && $0.drift.isEmpty && !rejected.contains($0.id) && ground.healthy($0) == $0.declared
        && (failedAt[$0.id] ?? 0) < now - simulation.slowestAnswer - 5000
    }
    if let same {
      report("S7", "\(certificate.stack) is launched and is what \(same.id) already is")
    }
  }

  /// S21: the same digest takes the traffic again and again, without a commit or a person between.
  private func judgeRepetition(_ id: StackID) {
    guard let digest = ground.stacks[id]?.certificate.stackDigest, counted.insert(id).inserted
    else { return }
    history[id.target, default: []].append((digest, now))
    let all = history[id.target] ?? []
    let same = all.reversed().prefix { $0.digest == digest && now - $0.at < 3_600_000 }.count
    // One launch, three replacements; a lost ledger forgets them once.
    let bound = 4 + (pardons[id.target] ?? 0)
    if same > bound { report("S21", "\(id) is the \(same)th of one digest that takes the traffic") }
  }

  // MARK: - Rest

  /// L4: what is there is what serves, what is kept, and nothing else.
  func judgeRest() {
    for declaration in simulation.schedule.setup.targets {
      let stacks = ground.stacks(of: declaration.target)
      let retain = declared[declaration.target]?.retain ?? 0
      if stacks.count > 1 + retain {
        let names = stacks.map { "\($0.id) \($0.phase)" }.joined(separator: ", ")
        report("L4", "\(stacks.count) stacks at rest, \(1 + retain) are kept: \(names)")
      }
    }
  }

  /// What the newest commit declares serves whole.
  func isAsDeclared(_ target: TargetID) -> Bool {
    let repository = simulation.repository
    guard let declaration = repository.newest.tree[target] else { return false }
    let digest = declaration.desired(source: "main", commit: repository.tip).declaredDigest
    let good = ground.stacks(of: target).filter {
      $0.certificate.declaredDigest == digest && $0.phase == .complete && $0.drift.isEmpty
        && $0.running == $0.declared
    }
    guard declaration.mode != .none else {
      let others = ground.stacks(of: target).filter { stack in !good.contains { $0 === stack } }
      return good.count == 1 && others.allSatisfy { $0.running == 0 }
    }
    return good.contains { ground.weight($0.id) == 100 && ground.healthy($0) == $0.declared }
  }
}
