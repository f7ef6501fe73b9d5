import Model

/// Decides what one pass does: from everything that was read, without a clock, chance or effect.
package enum Planner {
  package static func plan(_ input: PlanningInput) -> PlanningOutput {
    var fleet = Fleet(input)
    fleet.open()
    fleet.settle()
    fleet.judgeGroups()
    fleet.judgeDependencies()
    fleet.giveTurns()
    return fleet.close()
  }
}

/// All targets of one pass.
private struct Fleet {
  private let input: PlanningInput
  private var judge: SourceJudge
  private var passes: [TargetPass]
  /// Targets whose stacks would be named like those of another.
  private var namesakes: Set<TargetID> = []

  init(_ input: PlanningInput) {
    self.input = input
    let facts = PassFacts(
      now: input.now, interval: input.interval, conditions: input.agent, limits: input.limits,
      sources: input.sources, isPaused: input.memory.isPaused)
    judge = SourceJudge(input, elapsed: facts.elapsed(since: input.memory.clock))
    passes = input.targets.map { target in
      TargetPass(target, facts, nextGeneration: input.memory.forgotten[target.id] ?? 1)
    }
  }

  // MARK: - Once

  /// Time, outcomes, requests and removals: what a pass begins with.
  mutating func open() {
    let requests = input.requests.sorted { $0.sequence < $1.sequence }
    for request in requests {
      switch request.verb {
      case .pause(nil): judge.memory.isPaused = true
      case .resume(nil): judge.memory.isPaused = false
      case .approveRemoval(let commit): judge.approve(commit)
      case .pause, .resume, .abort, .retry, .release, .adopt, .approve, .approveFreeze, .advance:
        break
      }
      judge.memory.handledRequest = max(judge.memory.handledRequest, request.sequence)
    }
    let clashes = nameClashes()
    _ = ReleaseParties.tie(&passes, isJudged: false)
    for index in passes.indices {
      passes[index].facts.isPaused = judge.memory.isPaused
      passes[index].clash = passes[index].openContest ?? clashes[passes[index].id]
      passes[index].passTime()
      passes[index].watchDrift()
      passes[index].passQuietTime()
      passes[index].passTimeOfStable()
      passes[index].passTimeOfShare()
      passes[index].passTimeOfRoom()
      passes[index].passTimeOfRollout()
      passes[index].judgeTraffic()
      passes[index].takeTests()
      passes[index].takeJobs()
      passes[index].takeOutcomes()
      passes[index].noteLostLedger()
      for request in requests {
        passes[index].handle(request, isFirst: index == 0)
        passes[index].follow(request)
      }
      judge.judge(&passes[index])
      passes[index].rememberSpec()
      if passes[index].spec?.dependsOn.isEmpty == false {
        passes[index].dependency = "whether what it depends on is ready is not known yet"
      }
    }
    _ = ReleaseParties.tie(&passes, isJudged: false)
  }

  /// Two targets must not have the same stack names; the newcomer waits.
  private mutating func nameClashes() -> [TargetID: String] {
    var owners: [String: TargetID] = [:]
    var clashes: [TargetID: String] = [:]
    owners.reserveCapacity(passes.count)
    let seniors = passes.indices.filter { !passes[$0].record.stacks.isEmpty }
    for index in seniors + passes.indices.filter({ passes[$0].record.stacks.isEmpty }) {
      let bearer = passes[index].id
      for id in [bearer] + passes[index].input.whole.formerly {
        let name = "\(id.application)-\(id.environment)"
        if let owner = owners[name] {
          clashes[bearer] = "its stacks would be named like those of \(owner)"
          namesakes.formUnion([bearer, owner])
        } else {
          owners[name] = bearer
        }
      }
    }
    return clashes
  }

  // MARK: - Rounds

  /// Every step of every target, until none changes anything.
  mutating func settle() {
    for index in passes.indices { passes[index].settle() }
  }

  /// What one member of a release does may let the others go on, or end their rollouts; 16 rounds are more than
  /// any history needs.
  mutating func judgeGroups() {
    for round in 0..<16 {
      let changed = ReleaseParties.tie(&passes, isJudged: true)
      let members = round == 0 ? passes.indices.filter { passes[$0].party != nil } : changed
      for index in members { passes[index].settle() }
      if members.isEmpty { return }
    }
  }

  /// A new version waits until the targets that it depends on are as declared; of its own release, until they
  /// wait for it.
  mutating func judgeDependencies() {
    let dependent = passes.indices.filter { passes[$0].spec?.dependsOn.isEmpty == false }
    let awaited = Set(dependent.flatMap { passes[$0].spec?.dependsOn ?? [] })
    let unready = Set(
      passes.indices.filter { awaited.contains(passes[$0].id) && !passes[$0].isReady }
        .map { passes[$0].id })
    for index in dependent {
      let others = passes[index].spec?.dependsOn ?? []
      let finished = passes[index].party?.finished ?? []
      let waited = others.sorted().first { unready.contains($0) && !finished.contains($0) }
      passes[index].dependency = waited.map { "it depends on \($0), which is not ready" }
      passes[index].settle()
    }
  }

  /// S8: launches begin within the agent-wide bound, repairs first. What one platform refuses keeps no
  /// turn from the targets of another (L6).
  mutating func giveTurns() {
    var running = 0
    var refused: [PlatformName?: Int] = [:]
    for index in passes.indices where passes[index].hasRolloutUnderWay {
      if passes[index].isLaunchRefused {
        refused[passes[index].platform, default: 0] += 1
      } else {
        running += 1
      }
    }
    let waiting = passes.indices.filter { passes[$0].wish != nil }
    let ordered =
      waiting.filter { passes[$0].wish?.cause == .repair }
      + waiting.filter { passes[$0].wish?.cause != .repair }
    var waves = waves
    for index in ordered
    where running + refused[passes[index].platform, default: 0]
      < input.limits.concurrentRollouts
    {
      let environment = passes[index].id.environment
      let isInWave = passes[index].wish?.cause != .repair
      if isInWave, let limit = passes[index].spec?.wave, waves[environment, default: 0] >= limit {
        passes[index].fullWave = "\(limit) of \(environment) may roll out at the same time"
        passes[index].settle()
        continue
      }
      passes[index].mayLaunch = true
      passes[index].settle()
      running += 1
      if isInWave { waves[environment, default: 0] += 1 }
    }
  }

  /// By environment: targets that roll out for a commit or for drift, but those whose launch is refused and
  /// those that are held.
  private var waves: [EnvironmentName: Int] {
    var waves: [EnvironmentName: Int] = [:]
    for pass in passes where pass.hasRolloutUnderWay && !pass.isLaunchRefused {
      guard let cause = pass.record.rollout?.cause, cause == .commit || cause == .drift else {
        continue
      }
      waves[pass.id.environment, default: 0] += 1
    }
    return waves
  }

  // MARK: - End

  mutating func close() -> PlanningOutput {
    var plans: [TargetPlan] = []
    // Each is some two kilobytes: an array that grows by itself would take up to twice as much.
    plans.reserveCapacity(passes.count)
    for index in passes.indices {
      passes[index].chooseAction()
      plans.append(plan(passes[index]))
    }
    let facts = passes.first?.facts
    let isObserving = input.agent.isObserving
    guard facts != nil, !isObserving else {
      return PlanningOutput(plan: plans, memory: isObserving ? input.memory : judge.memory)
    }
    for index in passes.indices where passes[index].isForgotten {
      judge.forget(passes[index].id, next: passes[index].record.nextGeneration)
    }
    return PlanningOutput(plan: plans, memory: judge.memory)
  }

  private func plan(_ pass: TargetPass) -> TargetPlan {
    guard !pass.facts.isObserving else {
      let told = pass.watching()
      var plan = TargetPlan(
        target: pass.id, record: pass.input.whole.record.map { _ in told.record },
        status: told.report(),
        entries: told.entries, alerts: told.alerts)
      plan.isOnlyTold = true
      return plan
    }
    var plan = TargetPlan(
      target: pass.id, actions: pass.actions, record: pass.isForgotten ? nil : pass.record,
      status: pass.report(), fingerprints: pass.fingerprints, entries: pass.entries,
      alerts: pass.alerts)
    if !isNeeded(pass.id) { plan.rest = pass.rest }
    return plan
  }

  /// What holds over all targets needs to know of it even when nothing happens to it.
  private func isNeeded(_ target: TargetID) -> Bool {
    namesakes.contains(target) || judge.memory.removals.contains { $0.target == target }
  }
}

extension TargetPass {
  /// The straight line of one target. A step that changes the record may let another go on, so the
  /// line is walked until nothing changes; 16 rounds are more than any history needs.
  fileprivate mutating func settle() {
    for _ in 0..<16 {
      let before = record
      notes = []
      wish = nil
      adopt()
      // By a record that is not to be believed nothing is decided.
      if isLossUnseen { return }
      remove()
      liftHolds()
      shareFate()
      closeBreaker()
      tellFreezeOverride()
      rollBack()
      supersede()
      succeed()
      reactToDrift()
      start()
      advance()
      promote()
      retire()
      confirmRoute()
      if record == before { return }
    }
  }

  /// What is held until a person says more needs no turn, nor what waits only for others that need one.
  fileprivate var hasRolloutUnderWay: Bool {
    record.rollout.map { $0.stop == nil && !isLeftToGroup } ?? false
  }

  /// Also of a target that is being removed.
  fileprivate var platform: PlatformName? { (spec ?? record.lastGood)?.platform }

  /// Two sources declare it, and neither is in charge.
  fileprivate var openContest: String? {
    input.whole.contest.flatMap { $0.isOpen ? $0.message : nil }
  }

  /// What is in force is kept for the day on which no source says anything.
  fileprivate mutating func rememberSpec() {
    switch input.whole.desired {
    case .desired(let spec): record.lastGood = spec
    case .held(let spec, _): if record.lastGood == nil { record.lastGood = spec }
    case .removed(_, _, let last): if record.lastGood == nil { record.lastGood = last }
    case .undeclared: break
    }
  }
}

extension SourceJudge {
  /// A hundred approvals are more than are ever open; the oldest are forgotten.
  mutating func approve(_ commit: CommitID) {
    let others = memory.approvedRemovals.filter { $0 != commit }
    memory.approvedRemovals = Array((others + [commit]).suffix(100))
  }

  mutating func forget(_ target: TargetID, next: Generation) {
    memory.forgotten[target] = next
    memory.heirs = memory.heirs?.filter { $0.value != target }
    // Ten thousand are as many as an agent has targets; the least used numbers go first.
    if memory.forgotten.count > 10_000,
      let least = memory.forgotten.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })
    {
      memory.forgotten[least.key] = nil
    }
  }
}
