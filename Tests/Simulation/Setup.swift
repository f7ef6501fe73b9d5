package import Model
import Support

/// What a schedule begins with: the targets, and how the world behaves while nothing goes wrong.
package struct Setup: Codable, Sendable {
  package var targets: [Declaration]
  package var intervalMilliseconds = 1000
  package var pollMilliseconds = 2000
  /// Every answer takes up to that long.
  package var latencyMilliseconds = 20
  package var launchMilliseconds = 1500
  package var startMilliseconds = 400
  /// A read of the router shows a write after that time at the latest.
  package var propagationMilliseconds = 0
  /// A listing of the platform shows what was there up to that time ago, and not always later than the
  /// one before.
  package var listingMilliseconds = 0
  /// A launch goes on only while it is asked for.
  package var launchesOnlyWhenAsked = false
  /// How long sessions last that a stack has when it loses its traffic.
  package var sessionMilliseconds = 500
  /// How long until an instance that died runs again; the platform does that by itself.
  package var healMilliseconds = 1000
  /// How long a job runs.
  package var jobMilliseconds: Int?
  package var removalsAtOnce = 1
  /// To each target, as its route splits them; nil: none.
  package var requestsPerSecond: Int?
  /// The order in which tasks run that could run: 0 for first come, first served.
  package var shuffle: UInt64 = 0
}

/// What a commit says of one target. Everything is short, so that a schedule sees whole lives.
package struct Declaration: Codable, Sendable, Hashable {
  package var target: TargetID
  package var version = "good0"
  package var instances = 2
  package var mode = TrafficPolicy.Mode.http
  package var exclusive = false
  package var strategy = RolloutPolicy.Strategy.blueGreen
  /// Of a canary: the shares before the last one, in percent.
  package var steps: [Int]?
  /// Of a canary: a person has to approve what follows its first step, within that time.
  package var approvalMilliseconds: Int?
  /// Of a canary: its traffic is judged.
  package var isJudged: Bool?
  /// Of a canary: chosen requests reach it, and users stay with it.
  package var isPicked: Bool?
  /// What is launched can be reached before it has traffic.
  package var isPreviewed: Bool?
  /// It is tested through that before it has traffic, and after each step.
  package var isTested: Bool?
  /// A job runs before its instances start, and one after they have passed their gate.
  package var hasJobs: Bool?
  /// Of `rolling`: so many instances more than declared may run, so many may be missing.
  package var surge: Int?
  package var unavailable: Int?
  /// Once it has had traffic, only a person or a commit returns that.
  package var isIrreversible: Bool?
  package var onNewCommit = RolloutPolicy.OnNewCommit.supersede
  package var retain = 1
  package var bakeMilliseconds = 3000
  package var drainMilliseconds = 1500
  package var warmMilliseconds = 12_000
  package var deadlineMilliseconds = 10_000
  package var drift = DriftPolicy.Action.replace
  package var hasSecret = false
  package var dependsOn: [TargetID] = []
  /// So many targets of its environment may roll out at the same time.
  package var wave: Int?
  /// It is released with the others of it.
  package var group: GroupName?
  package init(target: TargetID) { self.target = target }
}

extension Setup {
  static let names: [TargetID] = [
    TargetID("web", "production"), TargetID("web-2", "production"), TargetID("job", "staging"),
  ]

  /// Drawn for a seed: one target mostly, so that its life is deep; two or three now and then.
  init(drawing random: inout SplitMix, _ size: Schedule.Size) {
    targets = []
    let count =
      switch size {
      case .brief: 1
      case .short: random.pick([1, 1, 1, 1, 2])
      case .long: random.pick([1, 1, 1, 2, 2, 3])
      }
    // A history of one target may be that of a worker, too.
    let first = size != .long && count == 1 && random.below(5) == 0 ? 2 : 0
    for index in 0..<count { targets.append(Declaration(Self.names[first + index], &random)) }
    if size != .long {
      targets[0].instances = (targets[0].strategy == .rolling ? 2 : 1) + random.below(2)
      targets[0].warmMilliseconds = random.pick([300, 1000])
      targets[0].bakeMilliseconds = random.pick([0, 500, 1500])
      targets[0].drainMilliseconds = random.pick([0, 300, 800])
    }
    if size == .brief {
      intervalMilliseconds = 500
      targets[0].bakeMilliseconds = random.pick([0, 300, 600])
      targets[0].drainMilliseconds = random.pick([0, 300])
      targets[0].deadlineMilliseconds = random.pick([1500, 3000])
    }
    if count > 1, random.below(4) == 0 { targets[1].dependsOn = [targets[0].target] }
    if count > 1, random.below(3) == 0 { for index in targets.indices { targets[index].wave = 1 } }
    latencyMilliseconds = random.pick([0, 5, 20, 20, 150])
    launchMilliseconds = random.pick(
      size == .brief ? [100, 300] : size == .short ? [100, 600] : [100, 600, 600, 2500])
    startMilliseconds = random.pick(size == .brief ? [50, 200, 400] : [50, 200, 200, 1000])
    launchesOnlyWhenAsked = random.below(2) == 0
    sessionMilliseconds = random.pick([0, 300, 1500])
    healMilliseconds = random.pick([300, 1500])
    pollMilliseconds = random.pick(size != .long ? [500, 1000] : [1000, 2000, 5000])
    let latest = size == .long ? 2500 : 1000
    propagationMilliseconds = random.pick([0, 0, 0, 300, 700, latest])
    listingMilliseconds = random.pick([0, 0, 0, 300, 700, latest])
    if random.below(4) > 0 { requestsPerSecond = 2000 }
    if random.below(3) == 0 { shuffle = random.next() | 1 }
    jobMilliseconds = random.pick([100, 500, 2000])
  }
}

extension Setup {
  /// Some targets are one group. A draw of its own, so that histories without one stay as they were.
  mutating func drawGroup(_ random: inout SplitMix, _ size: Schedule.Size) {
    guard random.below(targets.count > 1 ? 2 : size == .brief ? 24 : 4) == 0,
      targets[0].mode != .none
    else { return }
    if targets.count == 1 {
      var other = Declaration(Self.names[1], &random)
      other.instances = min(other.instances, other.strategy == .rolling ? 2 : 1)
      other.bakeMilliseconds = random.pick([0, 300, 600, 1500])
      other.warmMilliseconds = targets[0].warmMilliseconds
      other.deadlineMilliseconds = targets[0].deadlineMilliseconds
      targets.append(other)
      if random.below(3) == 0 { targets[1].dependsOn = [targets[0].target] }
      if random.below(4) == 0 { for index in targets.indices { targets[index].wave = 1 } }
    }
    for index in targets.indices where targets[index].target.environment == "production" {
      targets[index].group = "shop"
      if targets[index].onNewCommit == .queue { targets[index].onNewCommit = .supersede }
      if random.below(8) == 0 { targets[index].isIrreversible = true }
    }
  }
}

extension Declaration {
  fileprivate init(_ target: TargetID, _ random: inout SplitMix) {
    self.init(target: target)
    instances = 1 + random.below(3)
    if target.application == "job" {
      mode = .none
      exclusive = random.below(2) == 0
    } else {
      mode = random.pick([.http, .http, .tcp])
      strategy = random.pick([
        .blueGreen, .blueGreen, .canary, .canary, .recreate, .rolling, .rolling,
      ])
    }
    if strategy == .rolling {
      surge = random.below(3)
      unavailable = surge == 0 ? 1 : random.below(2)
      // Somewhere to begin: one instance is not missed.
      instances = max(2, instances)
    }
    if strategy == .canary {
      steps = random.pick([[30], [50], [20, 60]])
      if random.below(4) == 0 { approvalMilliseconds = random.pick([2500, 6000]) }
      isJudged = random.below(2) == 0
      isPicked = mode == .http && random.below(3) == 0
    }
    isPreviewed = mode != .none && random.below(4) == 0
    isTested = isPreviewed == true && random.below(2) == 0
    onNewCommit = random.pick([.supersede, .supersede, .supersede, .coalesce, .queue])
    retain = random.below(3)
    bakeMilliseconds = random.pick([0, 1000, 2000, 4000])
    drainMilliseconds = random.pick([0, 500, 1200])
    warmMilliseconds = random.pick([1000, 4000, 6000])
    deadlineMilliseconds = random.pick([3000, 6000])
    drift = random.below(5) == 0 ? .alert : .replace
    hasSecret = random.below(3) == 0
    hasJobs = random.below(6) == 0
    isIrreversible = random.below(8) == 0 ? true : nil
  }

  /// As the agent's manifest stage gives it.
  func desired(source: SourceName, commit: CommitID) -> DesiredTarget {
    var inputs = [
      InputReference(kind: .artifact, name: "artifacts/\(target.application)-\(version).tar")
    ]
    if hasSecret { inputs.append(InputReference(kind: .secret, name: "file:password")) }
    let check: HealthGate.Check = mode == .none ? .running : .http(path: "/healthz", expect: [200])
    let spec = StackSpec(
      workloadKind: "process", workload: ["command": ["./app"]], inputs: inputs,
      instances: instances,
      health: HealthGate(
        check: check, interval: .milliseconds(300), timeout: .milliseconds(600), healthyAfter: 2,
        deadline: .milliseconds(deadlineMilliseconds)), jobs: hasJobs == true ? Self.jobs : nil)
    var desired = DesiredTarget(
      id: target, source: source, commit: commit, version: version, platform: "simulated",
      spec: spec,
      rollout: RolloutPolicy(
        strategy: strategy, bake: .milliseconds(bakeMilliseconds), onNewCommit: onNewCommit,
        retain: Retention(
          stacks: retain, warm: .milliseconds(warmMilliseconds),
          quarantined: .milliseconds(warmMilliseconds)),
        steps: rolloutSteps, analysis: isJudged == true ? Self.analysis : nil, maxSurge: surge,
        maxUnavailable: unavailable.map { min($0, instances - 1) },
        isIrreversible: isIrreversible),
      traffic: TrafficPolicy(
        mode: mode, drainDeadline: .milliseconds(drainMilliseconds), exclusive: exclusive),
      drift: DriftPolicy(action: drift, debounce: .milliseconds(500)),
      route: mode == .none ? nil : listeners,
      dependsOn: dependsOn, declaredDigest: spec.declaredDigest)
    (desired.wave, desired.group) = (wave, group)
    if isTested == true {
      desired.rollout.tests = hasJobs == true ? [Self.test, Self.command] : [Self.test]
    }
    if isPicked == true {
      desired.rollout.match = [RequestRule(.header, "x-user", is: "alice")]
      desired.rollout.sticky = Stickiness(cookie: "stack", maxAge: .seconds(60))
    }
    return desired
  }

  private var listeners: CanonicalValue {
    let port = target.application.rawValue.utf8.count
    var keys: [String: CanonicalValue] = ["listen": .string("127.0.0.1:8\(port)00")]
    if isPreviewed == true { keys["preview"] = .string("127.0.0.1:8\(port)01") }
    return .object(keys)
  }

  /// Short, and without traffic a step goes on: there are histories without any.
  private static var analysis: AnalysisDeclaration {
    var analysis = AnalysisDeclaration()
    analysis.minimumRequests = 20
    analysis.errorMarginPoints = 5
    analysis.noTraffic = .allow
    analysis.deadline = .seconds(20)
    return analysis
  }

  private static let command = TestDeclaration(
    name: "check", call: .command(["./check"]), deadline: .seconds(2))

  private static let jobs = JobDeclaration.Time.allCases.map {
    JobDeclaration(name: "work", time: $0, command: ["./work"], deadline: .seconds(4))
  }

  private static let test = TestDeclaration(
    name: "smoke", call: .http(path: "/", expect: [200], contains: nil), deadline: .seconds(2))

  private var rolloutSteps: [RolloutStep]? {
    steps?.enumerated().map { index, percent in
      RolloutStep(
        weightPercent: percent, bake: .milliseconds(bakeMilliseconds),
        approvalWithin: index == 0 ? approvalMilliseconds.map(Duration.milliseconds) : nil)
    }
  }

  /// From the first share of the traffic to the promotion, if nothing comes between.
  var wholeBakeMilliseconds: Int {
    bakeMilliseconds * ((steps?.count ?? 0) + 1) + (approvalMilliseconds ?? 0)
  }
}
