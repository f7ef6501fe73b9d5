/// What a keeper has done, for the agent and for the keeper's successor.
package struct KeeperStatus: Hashable, Codable, Sendable {
  package enum Phase: Hashable, Codable, Sendable {
    /// The release is being made.
    case unpacking
    /// Everything exists; the instances say what runs.
    case running
    /// Something outside the stack is missing; tried again without an end.
    case waiting(reason: String)
    /// The stack itself cannot run.
    case failed(reason: String)
  }

  /// The form of keepers that run tasks; older ones do not know them.
  package static let schemaWithTasks = 2

  /// Version of this form.
  package var schema = Self.schemaWithTasks
  package var keeper: ProcessIdentity
  package var phase: Phase
  package var instances: [InstanceStatus]
  package init(keeper: ProcessIdentity, phase: Phase, instances: [InstanceStatus]) {
    self.keeper = keeper
    self.phase = phase
    self.instances = instances
  }
}

package struct InstanceStatus: Hashable, Codable, Sendable {
  /// The process that runs, or ran last; it may be dead.
  package var process: ProcessIdentity?
  package var restarts = RestartHistory()
  /// `exit status 3`.
  package var lastExit: String?
  /// Its exit was asked for.
  package var isStopping = false
  package init() {}
}
