package import Model

/// What is remembered of one job: that it began, in which stack, and how it ended.
package struct JobRecord: Hashable, Codable, Sendable {
  package enum State: Hashable, Codable, Sendable {
    /// It was asked for: it may run, have run, or never will.
    case begun
    case succeeded
    case failed(reason: String)
    /// A person wants it tried again, which another stack has to do.
    case retried
  }

  /// Of the stack, with all its inputs.
  package var digest: Digest
  /// Its task's name.
  package var task: String
  /// The only stack in which it was asked for.
  package var generation: Generation
  package var state: State
  /// Accumulated time since it was asked for.
  package var waited: Duration = .zero
  package init(digest: Digest, task: String, generation: Generation, state: State) {
    self.digest = digest
    self.task = task
    self.generation = generation
    self.state = state
  }
}
