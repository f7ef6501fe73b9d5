package import Model

/// The state machine of one rollout: intent and accumulated time, never effects.
package struct RolloutMachine: Hashable, Codable, Sendable {
  package enum Cause: String, Codable, Sendable {
    case commit
    case drift
    case repair
    case rollback
  }

  package let candidate: Generation
  /// The stable it started from; nil for a first launch.
  package let from: Generation?
  package let cause: Cause

  package init(candidate: Generation, from: Generation?, cause: Cause) {
    self.candidate = candidate
    self.from = from
    self.cause = cause
  }
}
