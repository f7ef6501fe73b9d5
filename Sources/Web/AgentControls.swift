package import LedgerKit
package import Model

/// What the running agent answers beyond the ledger; injected, because the web never calls it.
package struct AgentControls: Sendable {
  /// "Wake up": asks every source at once.
  package var nudge: @Sendable () -> Void
  package var status: @Sendable () async -> AgentStatus
  /// What the planner would decide now if these were the accepted states; nothing is done.
  package var preview: @Sendable (DesiredState) async throws -> [TargetStatus]
  /// The newest log lines of one stack (without a generation, of the newest); nil: there is none.
  package var logs: @Sendable (TargetID, Generation?, _ lines: Int) async throws -> [String]?
  /// Ends the agent as SIGTERM does.
  package var stop: @Sendable () -> Void
  package init(
    nudge: @escaping @Sendable () -> Void, status: @escaping @Sendable () async -> AgentStatus,
    preview: @escaping @Sendable (DesiredState) async throws -> [TargetStatus],
    logs: @escaping @Sendable (TargetID, Generation?, _ lines: Int) async throws -> [String]?,
    stop: @escaping @Sendable () -> Void
  ) {
    self.nudge = nudge
    self.status = status
    self.preview = preview
    self.logs = logs
    self.stop = stop
  }
}

/// What `GET /v1/history` answers.
package struct HistoryPage: Codable, Sendable {
  /// Newest first.
  package var entries: [LedgerEntry]
  package init(entries: [LedgerEntry]) {
    self.entries = entries
  }
}
