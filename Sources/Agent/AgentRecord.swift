package import Model
package import Planning

/// The agent's own record in the ledger.
package struct AgentRecord: Hashable, Codable, Sendable {
  package var memory: AgentMemory = AgentMemory()
  package var sources: [SourceName: SourceState] = [:]
  /// The newest ledger sequence that any certificate bore when a lost ledger was accepted as new:
  /// certificates up to here no longer show that the ledger is older than the world.
  package var worldSequence: Int = 0
  package init(
    memory: AgentMemory = AgentMemory(), sources: [SourceName: SourceState] = [:],
    worldSequence: Int = 0
  ) {
    self.memory = memory
    self.sources = sources
    self.worldSequence = worldSequence
  }
}
