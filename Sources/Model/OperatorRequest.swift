/// What a person asked for; an entry in the ledger that the next pass reads.
package struct OperatorRequest: Hashable, Codable, Sendable {
  package enum Verb: Hashable, Codable, Sendable {
    /// Nothing new starts; nil means every target.
    case pause(TargetID?)
    case resume(TargetID?)
    /// Traffic back to stable; the candidate's digest is held until `retry` or another digest.
    case abort(TargetID)
    /// Tries an aborted, held or failed digest again.
    case retry(TargetID)
    /// Lifts the quarantine of a digest (nil: all of the target) and resets the breaker.
    case release(TargetID, Digest?)
    /// Accepts the world after a lost ledger; nil means every target.
    case adopt(TargetID?)
    /// Lets what follows the rollout's step in progress happen, where the step asks for that.
    case approve(TargetID)
    /// Does not wait for the rest of the step in progress; `isFull`: of all steps. Health gates stay.
    case advance(TargetID, isFull: Bool)
    /// Lets what is declared now go through the freeze window that is open.
    case approveFreeze(TargetID)
    /// Confirms the held removals of exactly this commit.
    case approveRemoval(CommitID)
  }

  /// Given by the ledger; 0 before.
  package var sequence: Int = 0
  package var verb: Verb
  /// The person's name, as the operating system of the caller gives it.
  package var by: String
  package var at: WallTime
  /// Why, as the person says.
  package var reason: String?
  package init(sequence: Int = 0, verb: Verb, by: String, at: WallTime, reason: String? = nil) {
    self.sequence = sequence
    self.verb = verb
    self.by = by
    self.at = at
    self.reason = reason
  }
}
