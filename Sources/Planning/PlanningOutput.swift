package import LedgerKit
package import Model

/// What one pass decided: immutable, sorted, and with no choice left for execution time.
package struct PlanningOutput: Hashable, Codable, Sendable {
  /// By target, in the order in which they must be begun.
  package var plan: [TargetPlan]
  package var memory: AgentMemory
  package init(plan: [TargetPlan], memory: AgentMemory) {
    self.plan = plan
    self.memory = memory
  }
}

/// The decisions about one target.
package struct TargetPlan: Hashable, Codable, Sendable {
  package var target: TargetID
  /// At most one route write.
  package var actions: [Action] = []
  /// The new record; nil when the target is gone and nothing of it must be remembered.
  package var record: TargetRecord?
  /// Only told, in observe mode: no record does not mean that the target is gone.
  package var isOnlyTold = false
  package var status: TargetStatus
  /// Fingerprints to write once, and (nil) to forget.
  package var fingerprints: [Generation: Fingerprint?] = [:]
  /// Decisions and findings for the history, each said once, when it is made.
  package var entries: [LedgerEntry] = []
  package var alerts: [OutboxAlert] = []
  /// It need not be planned again for a while; nil: it must be in the next pass.
  package var rest: Rest?
  package init(
    target: TargetID, actions: [Action] = [], record: TargetRecord? = nil, status: TargetStatus,
    fingerprints: [Generation: Fingerprint?] = [:], entries: [LedgerEntry] = [],
    alerts: [OutboxAlert] = []
  ) {
    self.target = target
    self.actions = actions
    self.record = record
    self.status = status
    self.fingerprints = fingerprints
    self.entries = entries
    self.alerts = alerts
  }

  /// What is shown of it; nil once it is gone.
  package var shown: TargetStatus? { record == nil && !isOnlyTold ? nil : status }
}
