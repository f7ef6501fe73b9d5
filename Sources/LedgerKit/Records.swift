package import Model

/// Everything the agent reads at its start.
package struct LedgerContents: Sendable {
  /// Made new by this start: there was no ledger, so earlier history and records are gone.
  package var isNew: Bool
  /// It is another ledger, or an earlier state of it, than the one that this host has written last:
  /// a backup was put in its place, or its end is lost (S24).
  package var isOlder = false
  /// The sequence number of the newest entry; 0 in a new ledger.
  package var lastSequence: Int
  /// The planner's record of each target, as canonical JSON that only the planner understands.
  package var records: [TargetID: String] = [:]
  /// The agent's own record (accepted commits of sources, agent-wide pause), as JSON.
  package var agentRecord: String?
  /// Fingerprints by stack.
  package var fingerprints: [StackID: Fingerprint] = [:]
  /// Alerts that were not delivered yet, oldest first.
  package var outbox: [OutboxAlert] = []
  package init(
    isNew: Bool, lastSequence: Int, records: [TargetID: String] = [:], agentRecord: String? = nil,
    fingerprints: [StackID: Fingerprint] = [:], outbox: [OutboxAlert] = []
  ) {
    self.isNew = isNew
    self.lastSequence = lastSequence
    self.records = records
    self.agentRecord = agentRecord
    self.fingerprints = fingerprints
    self.outbox = outbox
  }
}

/// One transaction.
package struct LedgerWrite: Sendable {
  package var entries: [LedgerEntry] = []
  /// nil deletes the record.
  package var records: [TargetID: WrittenRecord?] = [:]
  package var agentRecord: WrittenRecord?
  /// nil deletes the status.
  package var statuses: [TargetID: TargetStatus?] = [:]
  package var fingerprints: [StackID: Fingerprint?] = [:]
  package var alerts: [OutboxAlert] = []
  /// Keys of alerts that were delivered or given up.
  package var deliveredAlerts: [String] = []
  /// With this write every target knows that the ledger is older than the world: from here on its
  /// place is the newest one.
  package var settlesLoss = false
  package init(
    entries: [LedgerEntry] = [], records: [TargetID: WrittenRecord?] = [:],
    agentRecord: WrittenRecord? = nil, statuses: [TargetID: TargetStatus?] = [:],
    fingerprints: [StackID: Fingerprint?] = [:],
    alerts: [OutboxAlert] = [], deliveredAlerts: [String] = []
  ) {
    self.entries = entries
    self.records = records
    self.agentRecord = agentRecord
    self.statuses = statuses
    self.fingerprints = fingerprints
    self.alerts = alerts
    self.deliveredAlerts = deliveredAlerts
  }

  package var isEmpty: Bool {
    entries.isEmpty && records.isEmpty && agentRecord == nil && statuses.isEmpty
      && fingerprints.isEmpty && alerts.isEmpty && deliveredAlerts.isEmpty && !settlesLoss
  }
}

/// What the agent wants to find again, which a ledger keeps and does not look into.
package struct WrittenRecord: Sendable, ExpressibleByStringLiteral {
  private let make: @Sendable () throws -> String

  /// The text is made by whoever needs it: a ledger that keeps none costs none.
  package init(_ value: some Encodable & Sendable) {
    make = { try CanonicalJSON.text(value) }
  }

  package init(text: String) { make = { text } }
  package init(stringLiteral text: String) { self.init(text: text) }

  /// Canonical JSON. Errors: those of the value.
  package func text() throws -> String { try make() }
}

/// One line of the history that users see; chained by HMAC to the one before.
package struct LedgerEntry: Hashable, Codable, Sendable {
  package enum Kind: String, Codable, Sendable, CaseIterable {
    /// Written before a side effect.
    case intent
    /// Written after a side effect: what its caller was told.
    case outcome
    /// What the planner decided, and why.
    case decision
    /// Drift found or gone.
    case finding
    /// What a person asked for.
    case request
    /// Anything else worth keeping: start, stop, heartbeat, source accepted or held.
    case note
    /// What retention leaves in place of deleted entries.
    case checkpoint
  }

  /// Given by the ledger; 0 before.
  package var sequence: Int = 0
  package var at: WallTime
  package var kind: Kind
  package var target: TargetID?
  package var generation: Generation?
  /// The pass that wrote it.
  package var pass: Int = 0
  /// A sentence for people.
  package var message: String
  /// The same for machines.
  package var details: CanonicalValue?
  package init(
    sequence: Int = 0, at: WallTime, kind: Kind, target: TargetID? = nil,
    generation: Generation? = nil, pass: Int = 0, message: String, details: CanonicalValue? = nil
  ) {
    self.sequence = sequence
    self.at = at
    self.kind = kind
    self.target = target
    self.generation = generation
    self.pass = pass
    self.message = message
    self.details = details
  }
}

package struct HistoryQuery: Hashable, Codable, Sendable {
  package var target: TargetID?
  package var kinds: [LedgerEntry.Kind] = []
  /// Only entries after this sequence number.
  package var after: Int = 0
  /// Only entries before this sequence number: the next page of a long history.
  package var before: Int?
  /// At most 10,000 are given at once, so that no reader can make the agent hold all of them.
  package var limit: Int = 100
  package init(
    target: TargetID? = nil, kinds: [LedgerEntry.Kind] = [], after: Int = 0, before: Int? = nil,
    limit: Int = 100
  ) {
    self.target = target
    self.kinds = kinds
    self.after = after
    self.before = before
    self.limit = limit
  }
}

/// What walking the chain showed.
package struct ChainReport: Hashable, Codable, Sendable {
  package var entries: Int
  package var checkpoints: Int
  /// The first sequence number that does not fit, and why; nil when the chain is whole, 0 when
  /// it is not an entry that is wrong but the file.
  package var firstBroken: Int?
  package var reason: String?
  package init(entries: Int, checkpoints: Int, firstBroken: Int? = nil, reason: String? = nil) {
    self.entries = entries
    self.checkpoints = checkpoints
    self.firstBroken = firstBroken
    self.reason = reason
  }
}

/// An alert waiting for delivery; `key` makes delivery at most once per target, digest and phase.
package struct OutboxAlert: Hashable, Codable, Sendable {
  package var key: String
  package var at: WallTime
  package var target: TargetID?
  /// `info`, `warning`, `error`.
  package var severity: String
  /// `RolloutCompleted`, `DriftDetected`…
  package var reason: String
  package var message: String
  package var details: CanonicalValue?
  package init(
    key: String, at: WallTime, target: TargetID? = nil, severity: String, reason: String,
    message: String, details: CanonicalValue? = nil
  ) {
    self.key = key
    self.at = at
    self.target = target
    self.severity = severity
    self.reason = reason
    self.message = message
    self.details = details
  }
}
