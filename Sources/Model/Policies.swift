/// How a rollout goes; not part of the digest, so a change launches nothing.
package struct RolloutPolicy: Hashable, Codable, Sendable {
  package enum Strategy: String, Codable, Sendable, CaseIterable {
    /// Launch beside the old stack, prove, switch all traffic, keep the old one warm.
    case blueGreen
    /// As `blueGreen`, but the traffic moves in steps, and each must be healthy before the next.
    case canary
    /// Instances of the new stack take over from those of the old one, some at a time.
    case rolling
    /// Park the old stack, launch the new one, prove, serve: an explicit downtime.
    case recreate
  }

  package enum OnNewCommit: String, Codable, Sendable, CaseIterable {
    /// A newer commit pre-empts the rollout in progress.
    case supersede
    /// Each version that was declared is rolled out, one after the other, and none is left out.
    case queue
    /// The rollout in progress ends first; then the newest commit starts, skipping those between.
    case coalesce
  }

  package var strategy: Strategy = .blueGreen
  /// How long the candidate must serve all traffic, healthy, before it becomes stable.
  package var bake: Duration = .seconds(60)
  package var onNewCommit: OnNewCommit = .supersede
  package var retain: Retention = Retention()
  /// Of a canary; nil: 10, 25, 50 and 100 %, each for as long as `bake`.
  package var steps: [RolloutStep]?
  /// Of a canary; nil: its traffic is not judged.
  package var analysis: AnalysisDeclaration?
  /// Of a canary: requests that go to the candidate whatever its share is; nil: none.
  package var match: [RequestRule]?
  /// Of a canary: who was answered by the candidate stays with it; nil: each request is on its own.
  package var sticky: Stickiness?
  /// Of `rolling`: so many instances may run beyond what is declared; nil: one.
  package var maxSurge: Int?
  /// Of `rolling`: so many of what is declared may be missing; nil: none.
  package var maxUnavailable: Int?
  /// What a new version must pass before it has traffic, and after each step; nil: nothing.
  package var tests: [TestDeclaration]?
  /// Once it has had traffic, no failure gives that back to the old stack; nil: it does.
  package var isIrreversible: Bool?
  package init(
    strategy: Strategy = .blueGreen, bake: Duration = .seconds(60),
    onNewCommit: OnNewCommit = .supersede, retain: Retention = Retention(),
    steps: [RolloutStep]? = nil, analysis: AnalysisDeclaration? = nil, maxSurge: Int? = nil,
    maxUnavailable: Int? = nil, isIrreversible: Bool? = nil
  ) {
    self.isIrreversible = isIrreversible
    self.maxSurge = maxSurge
    self.maxUnavailable = maxUnavailable
    self.strategy = strategy
    self.bake = bake
    self.onNewCommit = onNewCommit
    self.retain = retain
    self.steps = steps
    self.analysis = analysis
  }

  /// All traffic at once, and the bake before the promotion.
  package var wholeStep: RolloutStep { RolloutStep(weightPercent: 100, bake: bake) }

  /// What a canary goes through; the last step has all traffic.
  package var canarySteps: [RolloutStep] {
    let steps =
      self.steps ?? [10, 25, 50].map { RolloutStep(weightPercent: $0, bake: bake) }
    return steps.last?.weightPercent == 100 ? steps : steps + [wholeStep]
  }
}

/// One step of a rollout: a share of the traffic, and how long it is watched.
package struct RolloutStep: Hashable, Codable, Sendable {
  /// Of the candidate, 1 to 100.
  package var weightPercent: Int
  /// Watched time with this share, healthy, before the next step or the promotion.
  package var bake: Duration
  /// A person has to approve what follows, within this time after the bake; nil: nobody need.
  package var approvalWithin: Duration?
  /// Of `rolling`: so many of its instances run; nil: all.
  package var instances: Int?
  package init(
    weightPercent: Int, bake: Duration, approvalWithin: Duration? = nil, instances: Int? = nil
  ) {
    self.instances = instances
    self.weightPercent = weightPercent
    self.bake = bake
    self.approvalWithin = approvalWithin
  }
}

/// What is kept after it has served.
package struct Retention: Hashable, Codable, Sendable {
  /// Warm stacks kept beside stable.
  package var stacks: Int = 1
  /// How long a warm stack is kept.
  package var warm: Duration = .seconds(24 * 3600)
  /// How long a quarantined stack is kept, parked.
  package var quarantined: Duration = .seconds(24 * 3600)
  package init(
    stacks: Int = 1, warm: Duration = .seconds(24 * 3600),
    quarantined: Duration = .seconds(24 * 3600)
  ) {
    self.stacks = stacks
    self.warm = warm
    self.quarantined = quarantined
  }
}

/// How traffic reaches instances, and how it leaves them.
package struct TrafficPolicy: Hashable, Codable, Sendable {
  package enum Mode: String, Codable, Sendable, CaseIterable {
    case http
    case tcp
    /// A worker: the split reads as activity, warm means parked.
    case none
  }

  package enum AfterDrain: String, Codable, Sendable, CaseIterable {
    /// Sessions left at the deadline are cut and counted.
    case close
    /// Sessions left at the deadline keep their stack until they end.
    case wait
  }

  package var mode: Mode = .http
  package var drainDeadline: Duration = .seconds(30)
  package var afterDrain: AfterDrain = .close
  /// At most one stack may ever run: forces `recreate` everywhere.
  package var exclusive: Bool = false
  package init(
    mode: Mode = .http, drainDeadline: Duration = .seconds(30), afterDrain: AfterDrain = .close,
    exclusive: Bool = false
  ) {
    self.mode = mode
    self.drainDeadline = drainDeadline
    self.afterDrain = afterDrain
    self.exclusive = exclusive
  }
}

/// What happens when live differs from what was launched.
package struct DriftPolicy: Hashable, Codable, Sendable {
  package enum Action: String, Codable, Sendable, CaseIterable {
    case replace
    case alert
  }

  package var action: Action = .replace
  /// JSON pointers with globs of fields that are not compared: `/files/cache/**`.
  package var ignore: [String] = []
  /// How long a finding must last before it counts.
  package var debounce: Duration = .seconds(30)
  package init(
    action: Action = .replace, ignore: [String] = [], debounce: Duration = .seconds(30)
  ) {
    self.action = action
    self.ignore = ignore
    self.debounce = debounce
  }
}

/// When nothing new starts. All parts given must match.
package struct FreezeWindow: Hashable, Codable, Sendable {
  /// `mon` … `sun`; empty: every day.
  package var days: [String] = []
  /// Minutes since midnight, end exclusive; nil: the whole day. `from` > `until` crosses midnight.
  package var fromMinute: Int?
  package var untilMinute: Int?
  /// First and last date, `2026-12-24`, inclusive.
  package var fromDate: String?
  package var untilDate: String?
  /// IANA name; `UTC` when not given.
  package var timeZone: String = "UTC"
  package init(
    days: [String] = [], fromMinute: Int? = nil, untilMinute: Int? = nil, fromDate: String? = nil,
    untilDate: String? = nil, timeZone: String = "UTC"
  ) {
    self.days = days
    self.fromMinute = fromMinute
    self.untilMinute = untilMinute
    self.fromDate = fromDate
    self.untilDate = untilDate
    self.timeZone = timeZone
  }
}
