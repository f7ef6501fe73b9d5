import LedgerKit
import Model
import Planning

/// Everything outside the planner, as one value: sources, platform, router, ledger and clocks.
///
/// Nothing in it waits, sleeps or draws a random number: the script moves it, one pass at a time.
struct World {
  typealias Plan = @Sendable (PlanningInput) -> PlanningOutput

  var clock = WorldClock()
  var sources: [SourceName: WorldSource] = ["main": WorldSource()]
  var platform = WorldPlatform()
  var router = WorldRouter()
  var traffic = WorldTraffic()
  var ledger = WorldLedger()
  var process = WorldProcess()
  var agent = AgentConditions()
  var limits = PlanningLimits()
  var interval: Duration = .seconds(1)
  var freezes: [TargetID: String] = [:]

  /// What the next pass would read.
  var input: PlanningInput {
    PlanningInput(
      now: clock.now, interval: interval, agent: agent, limits: limits,
      sources: sources.mapValues(\.state), targets: targetIDs.map(targetInput),
      requests: ledger.requests.filter { $0.sequence > ledger.memory.handledRequest },
      memory: ledger.memory)
  }

  /// Every target that is declared, recorded or live, sorted.
  var targetIDs: [TargetID] {
    var all = Set(ledger.records.keys).union(platform.stacks.keys).union(router.routes.keys)
    for source in sources.values { all.formUnion(source.declared) }
    return all.sorted()
  }

  /// A target that runs stays with its source; otherwise the first by name is shown.
  func desired(_ target: TargetID) -> DesiredInput {
    let owner = owner(of: target).map { [$0] } ?? []
    for name in owner + sources.keys.sorted() {
      if let input = sources[name]?.desired(target) { return input }
    }
    return .undeclared
  }

  private func owner(of target: TargetID) -> SourceName? {
    guard let record = ledger.records[target], !record.stacks.isEmpty,
      let name = record.lastGood?.source, sources[name]?.declared.contains(target) == true
    else { return nil }
    return name
  }

  private func contest(_ target: TargetID) -> Contest? {
    let names = sources.keys.sorted().filter { sources[$0]?.declared.contains(target) == true }
    guard names.count > 1 else { return nil }
    let all = names.map(\.rawValue).joined(separator: " and ")
    guard let owner = owner(of: target) else {
      return Contest(isOpen: true, message: "\(all) declare it: leave it to one of them")
    }
    return Contest(isOpen: false, message: "it runs from \(owner); of \(all) only that counts")
  }

  private func targetInput(_ id: TargetID) -> TargetInput {
    let desired = desired(id)
    var input = TargetInput(
      id: id, desired: desired, contest: contest(id), resolution: resolution(desired.target),
      freeze: freezes[id],
      stacks: platform.observed(id), stacksAge: platform.age, foreign: platform.foreign[id] ?? [],
      probes: platform.probes(id), inspections: platform.inspections(id),
      fingerprints: ledger.fingerprints[id] ?? [:], route: router.observed(id, platform),
      routeAge: router.age, routePropagation: router.documented,
      inFlight: process.inFlight[id].map { [$0.action] } ?? [],
      outcomes: process.outcomes[id] ?? [], record: ledger.records[id])
    if ledger.records[id]?.rollout?.isJudged == true {
      let route = router.routes[id]?.route
      input.counts =
        router.unknown.map { .unknown(reason: $0) } ?? .known(traffic.counts(id, route))
    }
    input.tests = ledger.records[id]?.rollout.flatMap { tests(of: $0, id) }
    return input
  }

  /// What they say that the rollout asks for, once its preview is read back at the candidate.
  private func tests(of rollout: RolloutMachine, _ id: TargetID) -> [String: TestResult]? {
    guard let run = rollout.tests, router.unknown == nil,
      let route = router.routes[id]?.route, route.preview == rollout.candidate,
      let stack = platform[id, rollout.candidate]
    else { return nil }
    let isWrong =
      !stack.behaviour.failsTestsServing || route.weightPercent(of: rollout.candidate) > 0
    return Dictionary(
      uniqueKeysWithValues: run.pending.filter(\.needsPreview).map { test in
        guard let failure = stack.behaviour.testFailure, isWrong else {
          return (test.name, TestResult(.passed, "200"))
        }
        return (
          test.name, TestResult(run.waited >= test.deadline ? .failed : .trying, failure)
        )
      })
  }

  private func resolution(_ target: DesiredTarget?) -> Resolution {
    guard let target else { return .waiting(reason: "nothing is declared") }
    if let other = platform.resolutions[target.version] { return other }
    let inputs = target.spec.inputs.map {
      ResolvedInput(reference: $0, identity: Digest.of($0.name).description)
    }
    return .resolved(stackDigest: target.spec.stackDigest(inputs), inputs: inputs)
  }
}

/// The three clocks.
struct WorldClock {
  var boot = 1
  var sinceBoot: Duration = .seconds(1000)
  /// 2026-03-02T12:00:00Z, a Monday.
  var wall = WallTime(milliseconds: 1_772_452_800_000)
  /// Since the script began, for people.
  var script: Duration = .zero

  var now: Now { Now(bootID: "boot-\(boot)", sinceBoot: sinceBoot, wall: wall) }

  /// `02:05`, or `26:00:00` after the first hour.
  var text: String {
    let seconds = Int(script.components.seconds)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let short = "\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    return seconds < 3600 ? short : "\(two(seconds / 3600)):\(short)"
  }

  mutating func advance(_ time: Duration) {
    sinceBoot += time
    script += time
    wall.milliseconds += time.wholeMilliseconds
  }
}

/// What survives the process on disk.
struct WorldLedger {
  var records: [TargetID: TargetRecord] = [:]
  var memory = AgentMemory()
  var fingerprints: [TargetID: [Generation: Fingerprint]] = [:]
  var entries: [LedgerEntry] = []
  var alerts: [OutboxAlert] = []
  var requests: [OperatorRequest] = []
  /// How often it was lost.
  var losses = 0

  mutating func persist(_ output: PlanningOutput) {
    memory = output.memory
    for plan in output.plan {
      records[plan.target] = plan.record
      for (generation, fingerprint) in plan.fingerprints {
        fingerprints[plan.target, default: [:]][generation] = fingerprint
      }
      entries += plan.entries
      alerts += plan.alerts
    }
  }
}

/// What dies with the process.
struct WorldProcess {
  struct InFlight {
    var action: Action
    var remaining: Duration
  }

  var inFlight: [TargetID: InFlight] = [:]
  var outcomes: [TargetID: [ActionOutcome]] = [:]
  /// How long the next actions take.
  var latency: Duration = .zero
}
