/// The current state of one target as readers (CLI, web, alerts) see it; its own ledger table.
package struct TargetStatus: Hashable, Codable, Sendable {
  package enum Sync: String, Codable, Sendable {
    case synced = "Synced"
    case outOfSync = "OutOfSync"
    case unknown = "Unknown"
  }

  package var target: TargetID
  package var source: SourceName?
  package var platform: PlatformName?
  /// What the last good commit declares.
  package var desiredVersion: String?
  package var desiredCommit: CommitID?
  /// As the ledger keeps it: the newest commit of its source says the same, and is the one that
  /// readers are given in place of `desiredCommit`, which said it first. Readers get nil.
  package var followsSource: Bool?
  package var declaredDigest: Digest?
  /// What serves.
  package var liveVersion: String?
  package var sync: Sync = .unknown
  package var conditions: [Condition] = []
  package var stacks: [StackSummary] = []
  package var listen: String?
  package var rollout: RolloutSummary?
  /// `Held(aborted)`: the reason in the glossary's words, with a sentence.
  package var hold: String?
  package var isPaused: Bool = false
  package var findings: [Finding] = []
  /// `switch`, `pre-scale ~5 s`, `relaunch ~20 s`, `none`.
  package var rollback: String = "none"
  /// What the last plan does, and for what it does not do, what it waits for.
  package var explanation: [String] = []
  package init(
    target: TargetID, source: SourceName? = nil, platform: PlatformName? = nil,
    desiredVersion: String? = nil, desiredCommit: CommitID? = nil, declaredDigest: Digest? = nil,
    liveVersion: String? = nil, sync: Sync = .unknown, conditions: [Condition] = [],
    stacks: [StackSummary] = [], listen: String? = nil, rollout: RolloutSummary? = nil,
    hold: String? = nil, isPaused: Bool = false, findings: [Finding] = [],
    rollback: String = "none", explanation: [String] = []
  ) {
    self.target = target
    self.source = source
    self.platform = platform
    self.desiredVersion = desiredVersion
    self.desiredCommit = desiredCommit
    self.declaredDigest = declaredDigest
    self.liveVersion = liveVersion
    self.sync = sync
    self.conditions = conditions
    self.stacks = stacks
    self.listen = listen
    self.rollout = rollout
    self.hold = hold
    self.isPaused = isPaused
    self.findings = findings
    self.rollback = rollback
    self.explanation = explanation
  }

  package func condition(_ type: Condition.Kind) -> Condition? {
    conditions.first { $0.type == type }
  }
}

/// A kstatus condition.
package struct Condition: Hashable, Codable, Sendable {
  package enum Kind: String, Codable, Sendable {
    case ready = "Ready"
    case reconciling = "Reconciling"
    case stalled = "Stalled"
  }

  package var type: Kind
  package var status: Bool
  /// One word in CamelCase.
  package var reason: String
  /// A sentence for people.
  package var message: String
  package init(type: Kind, status: Bool, reason: String, message: String) {
    self.type = type
    self.status = status
    self.reason = reason
    self.message = message
  }
}

/// One stack in a status.
package struct StackSummary: Hashable, Codable, Sendable {
  package var name: String
  package var generation: Generation
  package var version: String
  package var commit: CommitID
  package var stackDigest: Digest
  /// `stable`, `candidate`, `warm`, `draining`, `quarantined`, `retiring`, `unclaimed`.
  package var role: String
  package var weightPercent: Int
  package var declared: Int
  package var running: Int
  package var healthy: Int
  package var restarts: Int
  package var endpoints: [Endpoint] = []
  package init(
    name: String, generation: Generation, version: String, commit: CommitID, stackDigest: Digest,
    role: String, weightPercent: Int, declared: Int, running: Int, healthy: Int, restarts: Int,
    endpoints: [Endpoint] = []
  ) {
    self.name = name
    self.generation = generation
    self.version = version
    self.commit = commit
    self.stackDigest = stackDigest
    self.role = role
    self.weightPercent = weightPercent
    self.declared = declared
    self.running = running
    self.healthy = healthy
    self.restarts = restarts
    self.endpoints = endpoints
  }
}

/// The rollout of a target in a status.
package struct RolloutSummary: Hashable, Codable, Sendable {
  package var strategy: RolloutPolicy.Strategy
  package var candidate: Generation
  package var from: Generation?
  /// `launching`, `gating`, `shifting`, `baking`, `rollingBack`…
  package var phase: String
  /// Why it was started: `commit`, `drift`, `repair`, `rollback`.
  package var cause: String
  package var waitingFor: String?
  /// Accumulated time in the phase, and how long the phase may or must take.
  package var elapsed: Duration
  package var of: Duration?
  /// The step in progress, counted from 1, of how many, and its share in percent; nil: there is one alone.
  package var step: Int?
  package var steps: Int?
  package var stepPercent: Int?
  /// What has to pass until the step in progress ends, in order; nil: an agent before there were rows wrote it.
  package var gates: [GateSummary]?
  package init(
    strategy: RolloutPolicy.Strategy, candidate: Generation, from: Generation? = nil, phase: String,
    cause: String, waitingFor: String? = nil, elapsed: Duration, of: Duration? = nil
  ) {
    self.strategy = strategy
    self.candidate = candidate
    self.from = from
    self.phase = phase
    self.cause = cause
    self.waitingFor = waitingFor
    self.elapsed = elapsed
    self.of = of
  }
}

/// One gate of a rollout.
package struct GateSummary: Hashable, Codable, Sendable {
  package enum State: String, Codable, Sendable {
    /// Not reached yet.
    case pending
    case waiting
    case passed
    case failed
  }

  /// `health`, `bake`, `analysis`, `tests`, `approval`, `group`, `jobs`, `window`.
  package var name: String
  package var state: State
  /// A sentence for people.
  package var reason: String?
  /// Accumulated time in it, and how long it must or may last.
  package var elapsed: Duration?
  package var of: Duration?
  package init(
    _ name: String, _ state: State, reason: String? = nil, elapsed: Duration? = nil,
    of: Duration? = nil
  ) {
    self.name = name
    self.state = state
    self.reason = reason
    self.elapsed = elapsed
    self.of = of
  }
}
