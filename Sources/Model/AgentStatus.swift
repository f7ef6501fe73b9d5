/// The running agent as readers see it.
package struct AgentStatus: Hashable, Codable, Sendable {
  package var version: String
  package var owner: OwnerID
  /// `observe` or `act`.
  package var mode: String
  package var pid: Int
  package var isPaused: Bool = false
  /// Passes since the start, and the newest ledger entry.
  package var passes: Int = 0
  package var sequence: Int = 0
  package var sources: [SourceSummary] = []
  package init(
    version: String, owner: OwnerID, mode: String, pid: Int, isPaused: Bool = false,
    passes: Int = 0, sequence: Int = 0, sources: [SourceSummary] = []
  ) {
    self.version = version
    self.owner = owner
    self.mode = mode
    self.pid = pid
    self.isPaused = isPaused
    self.passes = passes
    self.sequence = sequence
    self.sources = sources
  }
}

/// One source in an agent's status.
package struct SourceSummary: Hashable, Codable, Sendable {
  package var name: SourceName
  /// `current`, `unreachable: …`, `held: …`.
  package var health: String
  package var commit: CommitID?
  package var targets: Int
  package var diagnostics: [Diagnostic] = []

  /// The newest commit was read, and nothing holds it.
  package var isCurrent: Bool { health == "current" }

  package init(
    name: SourceName, health: String, commit: CommitID? = nil, targets: Int,
    diagnostics: [Diagnostic] = []
  ) {
    self.name = name
    self.health = health
    self.commit = commit
    self.targets = targets
    self.diagnostics = diagnostics
  }
}
