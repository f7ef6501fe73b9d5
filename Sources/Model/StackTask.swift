/// A command that is run at most once in the release of one stack: a job, or a test.
package struct StackTask: Hashable, Codable, Sendable {
  /// Unique in its stack, of `a-z`, `0-9` and `-`, at most 63: `before-migrate`, `test-smoke-2`.
  package var name: String
  package var command: [String]
  /// Beside the workload's own environment.
  package var environment: [String: String]
  /// From its start until it is ended, and has failed.
  package var deadline: Duration
  package init(
    name: String, command: [String], environment: [String: String] = [:], deadline: Duration
  ) {
    self.name = name
    self.command = command
    self.environment = environment
    self.deadline = deadline
  }
}

/// What a platform saw of one task.
package struct TaskObservation: Hashable, Codable, Sendable {
  package enum State: Hashable, Codable, Sendable {
    /// Asked for, or running.
    case running
    case succeeded
    /// It ended otherwise: `exit status 3`, `ended after its deadline of 30s`.
    case failed(reason: String)
    /// It began, and nobody can say how it ended: it is never run again.
    case lost(reason: String)
  }
  package var name: String
  package var state: State
  /// The end of what it wrote, at most 4 KiB.
  package var output: String
  package init(name: String, state: State, output: String = "") {
    self.name = name
    self.state = state
    self.output = output
  }
}
