package import Model

/// What the ledger remembers of one target; written only by the planner.
package struct TargetRecord: Hashable, Codable, Sendable {
  /// The generation that the next launch gets; never lower than any that was ever used.
  package var nextGeneration: Generation = 1
  /// The stack that serves and is trusted.
  package var stable: Generation?
  package var rollout: RolloutMachine?
  /// Launched while the rollout's candidate still bakes; its own rollout begins after that one.
  package var successor: Generation?
  /// With `onNewCommit: queue`: what was declared while a rollout was under way, oldest first.
  package var queue: [LaunchOrder]?
  /// Every stack that is ours to manage, from its intent until its retirement was observed.
  package var stacks: [Generation: StackRecord] = [:]
  /// By stack digest.
  package var quarantined: [Digest: Quarantine] = [:]
  package var hold: Hold?
  package var isPaused: Bool = false
  package var breaker: Breaker = Breaker()
  /// Supersedes since the last promotion.
  package var supersedes: Int = 0
  /// Back-off after platform faults, of each kind of action on its own: a launch that waits never
  /// delays a rollback.
  package var backOffs: [Action.Verb: BackOff] = [:]
  /// Drift that has been seen and for how long, by generation: for the debounce.
  package var drift: [Generation: DriftClock] = [:]
  /// The last spec that was in force, for a target whose source no longer says anything.
  package var lastGood: DesiredTarget?
  /// The clock of the pass that wrote this.
  package var clock: Now?
  /// What the route was last meant to be.
  package var route: RouteIntent = RouteIntent()
  /// Mutating calls as time: each adds its share of an hour, and time takes it away again (S22).
  package var spent: Duration = .zero
  /// Rollouts in a row that ended without evidence: retried at most three times.
  package var noEvidence: Int = 0
  /// The removal that a commit asks for, from its first sight until the target is forgotten.
  package var removal: Removal?
  /// This target was judged after the ledger was found lost (S24).
  package var isLossJudged: Bool = false
  /// The ledger was found lost and this target could not be judged yet, for something of it is
  /// unknown; outlives the agent.
  package var isLossDue: Bool?
  /// Names taken by foreign objects in a row: at most three.
  package var namesTaken: Int = 0
  /// Accumulated time since the last action on stacks was asked for; nil: none was lately.
  package var sinceStackAction: Duration?
  /// Keys of lasting states that an alert was sent for, so that each is said once.
  package var alerted: [String] = []
  /// Of a target in a release group, while it is on its way to what is declared.
  package var group: GroupMembership?
  /// Accumulated launch time of the last stack that completed, for the estimate of a relaunch.
  package var lastLaunch: Duration?
  /// A person lets what is declared through the freeze window that is open; nil: nobody does.
  package var freezeException: FreezeException?
  /// Oldest first; nil: none was ever begun.
  package var jobs: [JobRecord]?
  package init(
    nextGeneration: Generation = 1, stable: Generation? = nil, rollout: RolloutMachine? = nil,
    stacks: [Generation: StackRecord] = [:], quarantined: [Digest: Quarantine] = [:],
    hold: Hold? = nil, isPaused: Bool = false, breaker: Breaker = Breaker(), supersedes: Int = 0,
    backOffs: [Action.Verb: BackOff] = [:], drift: [Generation: DriftClock] = [:],
    lastGood: DesiredTarget? = nil, clock: Now? = nil
  ) {
    self.nextGeneration = nextGeneration
    self.stable = stable
    self.rollout = rollout
    self.stacks = stacks
    self.quarantined = quarantined
    self.hold = hold
    self.isPaused = isPaused
    self.breaker = breaker
    self.supersedes = supersedes
    self.backOffs = backOffs
    self.drift = drift
    self.lastGood = lastGood
    self.clock = clock
  }
}

package enum StackRole: String, Hashable, Codable, Sendable {
  case candidate
  case stable
  /// Lost its traffic and still has sessions or drain time.
  case draining
  /// A former stable kept for instant rollback, running.
  case warm
  /// Failed by its own fault; parked.
  case quarantined
  /// Superseded or aborted candidate; parked, not quarantined, retired after its drain.
  case superseded
  case retiring
}

/// What is remembered of one stack.
package struct StackRecord: Hashable, Codable, Sendable {
  package var role: StackRole
  package var version: String
  package var declaredDigest: Digest
  package var stackDigest: Digest
  /// Accumulated time in this role.
  package var inRole: Duration = .zero
  /// Accumulated time since a read showed it with weight; nil: none has, or its sessions have ended since.
  package var sinceTraffic: Duration?
  /// When a complete listing first showed it: should it vanish, its number is not used again.
  package var firstSeen: WallTime?
  /// Accumulated time for which listings that show changes late have not shown it; nil: the last one did.
  package var absentFor: Duration?
  /// Of stable: accumulated time for which it has been below its floor; nil: it is not.
  package var belowFloor: Duration?
  /// Of a stable that rolls: accumulated time for which it could not make room; nil: it can, or need not.
  package var unableToLose: Duration?
  /// Calls about this stack that failed: one that cannot go delays no other (L6).
  package var backOff: BackOff?
  /// Accumulated time since the platform took its launch; nil: it did not lately.
  package var sinceLaunchTaken: Duration?
  /// The platform's last answer to its launch was a fault of its own.
  package var isRefused: Bool?
  /// The gate passed once for this launch.
  package var gatePassed: Bool = false
  /// The instance count that it is meant to run.
  package var intended: Int
  /// It was replaced because it had drifted: never counts against `retain.stacks`, last resort.
  package var hasDrifted: Bool = false
  /// Once stable, hence trusted for a rollback.
  package var wasStable: Bool = false
  /// What it was launched with, for the repetition of its launch and for repair; kept for the
  /// candidate and stable only.
  package var order: LaunchOrder?
  package init(
    role: StackRole, version: String, declaredDigest: Digest, stackDigest: Digest,
    inRole: Duration = .zero, gatePassed: Bool = false, intended: Int, hasDrifted: Bool = false,
    wasStable: Bool = false, order: LaunchOrder? = nil
  ) {
    self.role = role
    self.version = version
    self.declaredDigest = declaredDigest
    self.stackDigest = stackDigest
    self.inRole = inRole
    self.gatePassed = gatePassed
    self.intended = intended
    self.hasDrifted = hasDrifted
    self.wasStable = wasStable
    self.order = order
  }
}

package struct Quarantine: Hashable, Codable, Sendable {
  package var generation: Generation
  package var declaredDigest: Digest
  package var reason: String
  package var at: WallTime
  package init(generation: Generation, declaredDigest: Digest, reason: String, at: WallTime) {
    self.generation = generation
    self.declaredDigest = declaredDigest
    self.reason = reason
    self.at = at
  }
}

/// Why a target does nothing new.
package struct Hold: Hashable, Codable, Sendable {
  package enum Reason: String, Codable, Sendable {
    case noEvidence
    case aborted
    case breaker
    case ledgerLost
    case conflict
    case nameTaken
    case removal
    case deadline
    case quarantined
    case splitUnknown
    /// A rollout that nothing leads back from has failed.
    case irreversible
    /// Another member of its release group failed.
    case group
  }

  package var reason: Reason
  /// A sentence for people.
  package var message: String
  /// The stack digest it concerns; another digest lifts the hold (for the reasons that say so).
  package var digest: Digest?
  package init(reason: Reason, message: String, digest: Digest? = nil) {
    self.reason = reason
    self.message = message
    self.digest = digest
  }

  /// `Held(aborted)`.
  package var word: String { "Held(\(reason.rawValue))" }
}

/// Counts replacements of one digest (S21).
package struct Breaker: Hashable, Codable, Sendable {
  package var digest: Digest?
  /// Age of each replacement as accumulated time, newest last.
  package var replacements: [Duration] = []
  /// Accumulated time of the last whole rollout, for the window.
  package var lastRollout: Duration = .zero
  package var isOpen: Bool = false
  /// How often each change was found that a replacement of this digest was made for, by what it did; nil: none was.
  package var changes: [String: Int]?
  /// Accumulated time without drift since it opened.
  package var quiet: Duration = .zero
  package init(
    digest: Digest? = nil, replacements: [Duration] = [], lastRollout: Duration = .zero,
    isOpen: Bool = false, quiet: Duration = .zero
  ) {
    self.digest = digest
    self.replacements = replacements
    self.lastRollout = lastRollout
    self.isOpen = isOpen
    self.quiet = quiet
  }
}

package struct BackOff: Hashable, Codable, Sendable {
  package var attempts: Int
  /// Accumulated time still to wait.
  package var remaining: Duration
  package var reason: String
  package init(attempts: Int, remaining: Duration, reason: String) {
    self.attempts = attempts
    self.remaining = remaining
    self.reason = reason
  }
}

package struct DriftClock: Hashable, Codable, Sendable {
  package var findings: [Finding]
  /// Accumulated time since these findings were first seen.
  package var seenFor: Duration
  /// Already alerted.
  package var isAlerted: Bool = false
  package init(findings: [Finding], seenFor: Duration, isAlerted: Bool = false) {
    self.findings = findings
    self.seenFor = seenFor
    self.isAlerted = isAlerted
  }
}

/// The planner's agent-wide memory.
package struct AgentMemory: Hashable, Codable, Sendable {
  package var isPaused: Bool = false
  /// The newest operator request that was handled.
  package var handledRequest: Int = 0
  /// Commits whose held removals were confirmed.
  package var approvedRemovals: [CommitID] = []
  /// Removals that were begun, with their age as accumulated time: the 24 h window of S10.
  package var removals: [RemovalRecord] = []
  package var clock: Now?
  /// The next generation of targets that were removed and forgotten: a number is never used twice.
  package var forgotten: [TargetID: Generation] = [:]
  /// Names that were given up → the target that goes on with what was made under them; nil: none.
  package var heirs: [TargetID: TargetID]?
  package init(
    isPaused: Bool = false, handledRequest: Int = 0, approvedRemovals: [CommitID] = [],
    removals: [RemovalRecord] = [], clock: Now? = nil, forgotten: [TargetID: Generation] = [:]
  ) {
    self.isPaused = isPaused
    self.handledRequest = handledRequest
    self.approvedRemovals = approvedRemovals
    self.removals = removals
    self.clock = clock
    self.forgotten = forgotten
  }
}

package struct RemovalRecord: Hashable, Codable, Sendable {
  package var target: TargetID
  package var source: SourceName
  package var age: Duration
  package init(target: TargetID, source: SourceName, age: Duration) {
    self.target = target
    self.source = source
    self.age = age
  }
}

/// What the route was last meant to be, and how its read-back compares.
package struct RouteIntent: Hashable, Codable, Sendable {
  /// The last route that was asked for; nil: none yet.
  package var wanted: Route?
  /// It was read back as wanted since: a later difference is drift of the router, not a late write.
  package var isConfirmed: Bool = false
  /// Accumulated time since the last write was asked for; a read must be newer than it (S4). nil:
  /// longer ago than any fresh read.
  package var sinceWrite: Duration?
  /// A write has ended, and the reading does not show it: nothing is retired by that reading (S4).
  package var isUnread: Bool = false
  /// The router took `wanted`: it is waited for, not written again. `false`: it refused.
  package var isTaken: Bool?
  /// The router is still at it: to ask again is no other write.
  package var isAwaited: Bool?
  /// Writes of `wanted` that were not read back yet.
  package var unconfirmedWrites: Int = 0
  /// Age of each repair as accumulated time, newest last: the breaker of route drift.
  package var repairs: [Duration] = []
  package init() {}
}

/// A target that the source no longer declares.
package struct Removal: Hashable, Codable, Sendable {
  package var source: SourceName
  package var commit: CommitID
  /// Within the caps, or confirmed by a person; before that the last good spec stays in force.
  package var isAllowed: Bool
  /// It was beyond the caps once: only a person lets it go on.
  package var isBeyondCap: Bool?
  package init(source: SourceName, commit: CommitID, isAllowed: Bool) {
    self.source = source
    self.commit = commit
    self.isAllowed = isAllowed
  }
}
