import Model

/// What the route should be now: one whole value, from the record and the fresh observation.
extension TargetPass {
  /// Who is meant to have all traffic.
  enum TrafficOwner: Equatable {
    case stack(Generation)
    /// The candidate has this share in percent, stable the rest.
    case shared(Generation, percent: Int, Generation)
    /// The route is closed: a removal, or a downtime that the strategy asks for.
    case nobody
    /// Whatever has it keeps it.
    case unchanged
  }

  var trafficOwner: TrafficOwner {
    if isRemovalAllowed { return .nobody }
    let stable = record.stable.map(TrafficOwner.stack) ?? .unchanged
    guard let rollout = record.rollout else { return stable }
    let isRecreate = rollout.strategy == .recreate
    switch rollout.phase {
    case .vacating:
      return rolloutObjection == nil ? .nobody : isPastReturn(rollout) ? .unchanged : stable
    case .launching, .growing, .gating:
      // While more of its instances start, it keeps what it has.
      let has = rollout.formerWeightPercent > 0 || rollout.isTakingOver == true
      if has, let share = share(of: rollout) { return share }
      if isPastReturn(rollout) { return .unchanged }
      return isRecreate ? .nobody : stable
    case .shifting, .baking:
      if let share = share(of: rollout) { return share }
      if isPastReturn(rollout) { return .unchanged }
      return isRecreate ? .nobody : stable
    case .rollingBack:
      // While it was paused or frozen the traffic may have been given back already.
      let isBack = record.stable.map(weight) ?? 0 > 0
      if yields(rollout) { return .unchanged }
      return isRecreate && !isBack ? .nobody : stable
    case .promoted, .rolledBack: return stable
    }
  }

  /// What the step in progress gives to the candidate; nil: nothing may be given to it now. What it has, it
  /// keeps.
  private func share(of rollout: RolloutMachine) -> TrafficOwner? {
    let candidate = rollout.candidate
    let has = weight(candidate)
    let isGrowing = rollout.phase == .growing || rollout.phase == .gating
    var percent =
      isGrowing && rollout.isTakingOver != true
      ? rollout.formerWeightPercent : rollout.weightPercent
    if rolloutObjection != nil, has < percent {
      guard isRouteSettled else { return .unchanged }
      let kept = max(has, shareWithoutReturn(rollout))
      guard kept > 0 else { return nil }
      percent = kept
    }
    guard percent < 100, let stable = record.stable, stable != candidate else {
      return .stack(candidate)
    }
    return .shared(candidate, percent: percent, stable)
  }

  /// nil: nothing may or needs to be written; a note says why.
  mutating func intendedRoute() -> Route? {
    guard !isWorker, let known = spec ?? record.lastGood else { return nil }
    let declared = known.traffic.mode
    guard let mode = declared == .none ? route?.route.mode : declared else { return nil }
    guard let declaration = spec?.route ?? route?.route.declaration ?? known.route else {
      return nil
    }
    guard let split = intendedSplit() else { return nil }
    let members = routed(split)
    for generation in split.keys.sorted() where (split[generation] ?? 0) > 0 {
      guard members.contains(generation), !endpoints(generation).isEmpty else {
        note("the route stays: \(generation) has traffic and no endpoint")
        return nil
      }
    }
    let backends = members.sorted().compactMap { generation in
      backend(generation, weightPercent: split[generation] ?? 0)
    }
    var intended = Route(
      target: route?.route.target ?? id, mode: mode, declaration: declaration,
      drainDeadline: known.traffic.drainDeadline, afterDrain: known.traffic.afterDrain,
      backends: backends, fallback: fallback(members, split))
    addPicks(to: &intended, split)
    return intended
  }

  private func backend(_ generation: Generation, weightPercent: Int) -> Backend? {
    guard let stack = stacks[generation] else { return nil }
    var path: String?
    if case .http(let checked, _) = stack.certificate.spec.health.check { path = checked }
    return Backend(
      generation: generation, launch: stack.certificate.launch,
      endpoints: endpoints(generation), weightPercent: weightPercent, checkPath: path)
  }

  /// A dead candidate's share falls back to stable in the router itself.
  private func fallback(_ members: [Generation], _ split: [Generation: Int]) -> Generation? {
    guard !isRemovalAllowed, let stable = record.stable, members.contains(stable),
      stacks[stable]?.endpoints.isEmpty == false
    else { return nil }
    if let rollout = record.rollout, isReturnOver(rollout, by: split) { return nil }
    return stable
  }

  // MARK: - Split

  private mutating func intendedSplit() -> [Generation: Int]? {
    let observed = (route?.route.split ?? [:]).filter { $0.value > 0 }
    switch trafficOwner {
    case .nobody: return [:]
    case .unchanged: return kept(observed)
    case .stack(let owner):
      if weight(owner) == 100 { return [owner: 100] }
      if let obstacle = obstacle(toTrafficFor: owner) {
        note("the traffic does not go to \(owner) yet: \(obstacle)")
        return kept(observed)
      }
      return [owner: 100]
    case .shared(let candidate, let percent, let stable):
      let intended = [candidate: percent, stable: 100 - percent]
      for generation in intended.keys.sorted() {
        guard weight(generation) < intended[generation] ?? 0,
          let obstacle = obstacle(toTrafficFor: generation)
        else { continue }
        note("\(generation) does not get \(intended[generation] ?? 0) % yet: \(obstacle)")
        // Nobody waits for a candidate that has nothing.
        let isStableFree =
          generation == candidate && weight(candidate) == 0
          && record.rollout.map(isPastReturn) != true
        if isStableFree, self.obstacle(toTrafficFor: stable) == nil { return [stable: 100] }
        return kept(observed)
      }
      return intended
    }
  }

  /// What cannot be written as it is stays unwritten, and what a reading shows that may be older than the
  /// last write is not written again: that would take the write back.
  private mutating func kept(_ observed: [Generation: Int]) -> [Generation: Int]? {
    let wanted = (record.route.wanted?.split ?? observed).filter { $0.value > 0 }
    guard wanted == observed || isRouteSettled else {
      note("waits until a reading of the route shows all writes")
      return nil
    }
    if observed.isEmpty, record.rollout.map(isPastReturn) == true,
      wanted.keys.allSatisfy({ obstacle(toTrafficFor: $0) == nil })
    {
      return wanted
    }
    return observed.values.reduce(0, +) == 100 || observed.isEmpty ? observed : nil
  }

  /// S1 and S2; nil when it may take all traffic.
  private func obstacle(toTrafficFor generation: Generation) -> String? {
    guard let stack = stacks[generation] else { return "it is not there" }
    guard stack.phase == .complete else { return "it is not complete" }
    guard !stack.endpoints.isEmpty else {
      return "it has no endpoints: it was launched as a worker"
    }
    guard probe(generation) != nil else { return "no fresh probe of it" }
    let declared = wanted(generation)
    let now = healthy(generation)
    let serving = (route?.route.split ?? [:]).filter { $0.value > 0 }.keys.map(healthy).min() ?? 0
    if let rollout = record.rollout, generation == rollout.candidate, rollout.phase != .rollingBack
    {
      // A reading may be older than the write that gave it what it has.
      let given = rollout.formerWeightPercent
      let isGiven =
        isGrowing(rollout) && record.route.wanted?.weightPercent(of: generation) == given
      if isGiven, now >= needed(for: given, wholeFloor(of: generation)) { return nil }
      // In place of what hardly serves, some are better than none.
      let isBetter = rollout.isTakingOver == true && rollout.bounds != nil && now > serving
      guard isBetter || isProven(generation) else {
        return "\(now) of \(declared) instances healthy"
      }
      return routerObstacle(generation)
    }
    guard record.stacks[generation]?.gatePassed == true || isWhollyProven(generation) else {
      return "its gate has not passed"
    }
    let floor = wholeFloor(of: generation)
    // Stacks of which some instances run share by what they have.
    if record.rollout?.bounds != nil {
      let isBetter = now * 100 > coverage * needed(for: 100, floor)
      return now >= needed(for: 100, floor) || isBetter
        ? nil : "\(now) of \(declared) instances healthy"
    }
    // Where what it carries needs as many already, more of it needs no more.
    let carried = (weight(generation) * floor + 99) / 100
    guard now > 0, now >= floor || now > serving || carried >= floor else {
      return "\(now) of \(declared) instances healthy"
    }
    return nil
  }

  /// The router itself has to see a new stack up before it gets everything.
  private func routerObstacle(_ generation: Generation) -> String? {
    // Where what has the traffic is gone, no route but this one can be written any more.
    let serving = stacks.keys.filter { weight($0) > 0 && stacks[$0]?.endpoints.isEmpty == false }
    let isWritable =
      serving.map(weight).reduce(0, +) == 100
      || (route?.route.split ?? [:]).values.allSatisfy { $0 == 0 }
    guard let backend = route?.route.backends.first(where: { $0.generation == generation }) else {
      return isWritable ? "it is not behind the route yet" : nil
    }
    guard backend.endpoints.sorted() == endpoints(generation) else {
      return isWritable ? "the route has other endpoints of it" : nil
    }
    guard let up = route?.serversUp[generation] else { return nil }
    return up >= backend.endpoints.count
      ? nil : "the router sees \(up) of \(backend.endpoints.count) servers up"
  }

  // MARK: - Members

  /// Stacks behind the route, most important first, as many as fit.
  private func routed(_ split: [Generation: Int]) -> [Generation] {
    let used = stacks.keys.filter {
      weight($0) > 0 || split[$0] != nil || (sessions($0) > 0 && !isCut($0))
    }
    let wanted = record.stacks.keys.filter(belongsBehindRoute)
    func rank(_ generation: Generation) -> Int {
      if used.contains(generation) { return 0 }
      if generation == record.stable { return 1 }
      if generation == record.rollout?.candidate { return 2 }
      return 3
    }
    let all = Set(used).union(wanted).map { (rank: rank($0), generation: $0) }
      .sorted { ($0.rank, $1.generation) < ($1.rank, $0.generation) }
    let bound = max(facts.limits.stacksPerRoute, used.count)
    return all.prefix(bound).map(\.generation)
  }

  /// On its way out, and its sessions have had their time: leaving the route cuts them.
  private func isCut(_ generation: Generation) -> Bool {
    switch record.stacks[generation]?.role {
    case .quarantined, .superseded, .retiring: isDrained(generation)
    case .stable, .warm, .draining, .candidate, nil: false
    }
  }

  private func belongsBehindRoute(_ generation: Generation) -> Bool {
    guard let stack = stacks[generation], let role = record.stacks[generation]?.role,
      !stack.endpoints.isEmpty
    else { return false }
    switch role {
    case .stable, .warm, .draining: return stack.phase.isSettled
    case .candidate where generation == record.successor:
      return stack.phase == .complete && stack.endpoints.count >= wanted(generation)
    case .candidate:
      guard stack.phase == .complete, let phase = record.rollout?.phase else { return false }
      return phase != .launching && phase != .vacating && phase != .rollingBack
        && stack.endpoints.count >= wanted(generation)
    case .quarantined, .superseded, .retiring: return false
    }
  }
}

extension StackPhase {
  /// It was complete once; what is stuck may still serve.
  fileprivate var isSettled: Bool {
    switch self {
    case .complete, .stuck: true
    case .launching, .failed, .retiring: false
    }
  }
}
