package import Model

/// Everything that matters for one pass, `now` included. The planner reads nothing else.
package struct PlanningInput: Hashable, Codable, Sendable {
  package var now: Now
  /// The usual time between two passes: a clock grows by at most twice this per pass.
  package var interval: Duration = .seconds(1)
  package var agent: AgentConditions = AgentConditions()
  package var limits: PlanningLimits = PlanningLimits()
  package var sources: [SourceName: SourceState] = [:]
  /// Sorted by id: every target that is declared, recorded or live.
  package var targets: [TargetInput]
  /// Requests that no earlier pass has handled, oldest first.
  package var requests: [OperatorRequest] = []
  /// The planner's own agent-wide memory from the ledger.
  package var memory: AgentMemory = AgentMemory()
  package init(
    now: Now, interval: Duration = .seconds(1), agent: AgentConditions = AgentConditions(),
    limits: PlanningLimits = PlanningLimits(), sources: [SourceName: SourceState] = [:],
    targets: [TargetInput], requests: [OperatorRequest] = [], memory: AgentMemory = AgentMemory()
  ) {
    self.now = now
    self.interval = interval
    self.agent = agent
    self.limits = limits
    self.sources = sources
    self.targets = targets
    self.requests = requests
    self.memory = memory
  }
}

/// What holds for the whole agent.
package struct AgentConditions: Hashable, Codable, Sendable {
  package enum Mode: String, Codable, Sendable {
    /// Reports only; no action of any kind.
    case observe
    case act
  }

  package var mode: Mode = .act
  /// This process holds the single-writer lease.
  package var holdsLease: Bool = true
  /// The ledger was new at this start, or older than the world.
  package var isLedgerLost: Bool = false
  /// It looks and tells; it does nothing and remembers nothing.
  package var isObserving: Bool { mode == .observe || !holdsLease }
  package init(mode: Mode = .act, holdsLease: Bool = true, isLedgerLost: Bool = false) {
    self.mode = mode
    self.holdsLease = holdsLease
    self.isLedgerLost = isLedgerLost
  }
}

/// Bounds that the agent's configuration may change.
package struct PlanningLimits: Hashable, Codable, Sendable {
  /// Targets that may have a candidate at the same time, over all (S8).
  package var concurrentRollouts: Int = 10
  /// Removals of one source within 24 h: max(`removals`, `removalsPercent` of its targets) (S10).
  package var removals: Int = 1
  package var removalsPercent: Int = 20
  /// Removals of the whole agent within 24 h.
  package var agentRemovals: Int = 3
  package var agentRemovalsPercent: Int = 5
  /// A reading older than this is not fresh enough to shift or retire by (S13).
  package var freshness: Duration = .seconds(10)
  /// How long a failed rollback or a drain may take until the target is held (L3).
  package var phaseDeadline: Duration = .seconds(600)
  /// Stacks that fit behind one route at the same time, as the router says.
  package var stacksPerRoute: Int = 5
  package init(
    concurrentRollouts: Int = 10, removals: Int = 1, removalsPercent: Int = 20,
    agentRemovals: Int = 3, agentRemovalsPercent: Int = 5, freshness: Duration = .seconds(10),
    phaseDeadline: Duration = .seconds(600), stacksPerRoute: Int = 5
  ) {
    self.concurrentRollouts = concurrentRollouts
    self.removals = removals
    self.removalsPercent = removalsPercent
    self.agentRemovals = agentRemovals
    self.agentRemovalsPercent = agentRemovalsPercent
    self.freshness = freshness
    self.phaseDeadline = phaseDeadline
    self.stacksPerRoute = stacksPerRoute
  }
}

/// What is known of one source.
package struct SourceState: Hashable, Codable, Sendable {
  package enum Health: Hashable, Codable, Sendable {
    case current
    /// The last good state goes on being reconciled; nothing is ever removed for absence.
    case unreachable(reason: String)
    /// Force-push, unsigned commit, rejected commit, lost ancestry…
    case held(reason: String)
  }

  package var health: Health
  /// The last applied verified commit.
  package var commit: CommitID?
  /// The commit was read completely and without any error: absence may remove (S10, S11).
  package var isComplete: Bool
  /// Targets that the source declared in its last applied commit.
  package var targetCount: Int
  package init(health: Health, commit: CommitID? = nil, isComplete: Bool, targetCount: Int) {
    self.health = health
    self.commit = commit
    self.isComplete = isComplete
    self.targetCount = targetCount
  }
}

/// Everything known of one target.
package struct TargetInput: Hashable, Codable, Sendable {
  package var id: TargetID
  /// Names that it had before; stacks and the route may bear them still.
  package var formerly: [TargetID] = []
  package var desired: DesiredInput
  /// More than one source declares it.
  package var contest: Contest?
  /// Of the desired spec; `.waiting` while it is not resolved yet.
  package var resolution: Resolution = .waiting(reason: "not resolved yet")
  /// Inside a freeze window; the text says which and until when.
  package var freeze: String?
  /// Stacks of this target with a valid certificate; unknown when the platform did not answer.
  package var stacks: Observed<[StackObservation]>
  /// Age of `stacks`.
  package var stacksAge: Duration = .zero
  /// After so long every listing shows a change, as the platform documents it.
  package var stacksPropagation: Duration = .zero
  /// Objects that bear one of this target's stack names without a valid certificate.
  package var foreign: [ForeignObject] = []
  /// By generation; from the agent's prober at the stacks' own endpoints, not through the router.
  package var probes: [Generation: ProbeReport] = [:]
  /// By generation; newest inspection, where one was made.
  package var inspections: [Generation: InspectionReport] = [:]
  /// By generation; as recorded.
  package var fingerprints: [Generation: Fingerprint] = [:]
  /// `.known(nil)`: the router has no route for this target.
  package var route: Observed<RouteObservation?>
  package var routeAge: Duration = .zero
  /// Requests by stack and series, as the router counts them; nil: nobody asked, for nothing is judged.
  package var counts: Observed<[Generation: [String: RequestCounts]]>?
  /// Of the metrics that a rollout in progress asks for; nil: nobody asked.
  package var metrics: [String: Observed<MetricReading>]?
  /// What is known of the tests that a rollout in progress asks for, by name; nil: nobody asked.
  package var tests: [String: TestResult]?
  /// After so long every reading shows a write, as the router documents it.
  package var routePropagation: Duration = .zero
  /// Actions of this target that are still being executed.
  package var inFlight: [Action] = []
  /// What ended since the last pass.
  package var outcomes: [ActionOutcome] = []
  /// nil: the ledger knows nothing of this target.
  package var record: TargetRecord?
  package init(
    id: TargetID, formerly: [TargetID] = [], desired: DesiredInput, contest: Contest? = nil,
    resolution: Resolution = .waiting(reason: "not resolved yet"), freeze: String? = nil,
    stacks: Observed<[StackObservation]>, stacksAge: Duration = .zero,
    stacksPropagation: Duration = .zero,
    foreign: [ForeignObject] = [], probes: [Generation: ProbeReport] = [:],
    inspections: [Generation: InspectionReport] = [:],
    fingerprints: [Generation: Fingerprint] = [:], route: Observed<RouteObservation?>,
    routeAge: Duration = .zero, routePropagation: Duration = .zero, inFlight: [Action] = [],
    outcomes: [ActionOutcome] = [], record: TargetRecord? = nil
  ) {
    self.id = id
    self.formerly = formerly
    self.desired = desired
    self.contest = contest
    self.resolution = resolution
    self.freeze = freeze
    self.stacks = stacks
    self.stacksAge = stacksAge
    self.stacksPropagation = stacksPropagation
    self.foreign = foreign
    self.probes = probes
    self.inspections = inspections
    self.fingerprints = fingerprints
    self.route = route
    self.routeAge = routeAge
    self.routePropagation = routePropagation
    self.inFlight = inFlight
    self.outcomes = outcomes
    self.record = record
  }
}

/// What the sources say of one target.
package enum DesiredInput: Hashable, Codable, Sendable {
  case desired(DesiredTarget)
  /// Its document is wrong or its source is held: the last good spec stays in force.
  case held(lastGood: DesiredTarget, reason: String)
  /// Present in the last applied verified commit, absent in `commit`, a completely parsed verified
  /// descendant.
  case removed(source: SourceName, commit: CommitID, lastGood: DesiredTarget?)
  /// No source says anything, and nothing proves a removal.
  case undeclared

  package var target: DesiredTarget? {
    switch self {
    case .desired(let target), .held(let target, _): target
    case .removed, .undeclared: nil
    }
  }
}

/// What sources that declare one target twice make of it.
package struct Contest: Hashable, Codable, Sendable {
  /// Nobody's word counts: nothing new begins. Otherwise it runs from one of them, whose word counts.
  package var isOpen: Bool
  /// Names each declaration: source, file and line.
  package var message: String
  package init(isOpen: Bool, message: String) {
    self.isOpen = isOpen
    self.message = message
  }
}

/// How far the inputs of the desired spec are resolved.
package enum Resolution: Hashable, Codable, Sendable {
  case resolved(stackDigest: Digest, inputs: [ResolvedInput])
  case waiting(reason: String)
  /// `stack`: can never be resolved (missing file, wrong SHA-256); `platform`: fetch failed.
  case failed(FaultClass, reason: String)
}

/// What the prober saw of one stack.
package struct ProbeReport: Hashable, Codable, Sendable {
  /// Instances whose newest probe passed and is fresh.
  package var healthy: Int
  /// Instances with at least `healthyAfter` consecutive passes, the newest fresh.
  package var proven: Int
  /// Age of the oldest among the instances' newest probes.
  package var age: Duration
  /// How long the proven instances have been proven without a break.
  package var provenFor: Duration
  /// The newest failure, for people: `instance 1: GET /healthz answered 500`.
  package var lastFailure: String?
  package init(
    healthy: Int, proven: Int, age: Duration, provenFor: Duration = .seconds(86_400),
    lastFailure: String? = nil
  ) {
    self.healthy = healthy
    self.proven = proven
    self.age = age
    self.provenFor = provenFor
    self.lastFailure = lastFailure
  }
}

/// What an inspection showed, and when.
package struct InspectionReport: Hashable, Codable, Sendable {
  package var result: Observed<Inspection>
  package var age: Duration
  package init(result: Observed<Inspection>, age: Duration) {
    self.result = result
    self.age = age
  }
}
