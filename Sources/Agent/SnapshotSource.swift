package import Model

/// A watched repository: the two real answers are Git and the simulator.
package protocol SnapshotSource: Sendable {
  var name: SourceName { get }

  /// The tip of the watched reference, by one listing.
  func tip() async throws(SourceFailure) -> CommitID

  /// Fetches, verifies and parses the tip; `accepted`: the last accepted commit.
  func load(accepted: CommitID?) async throws(SourceFailure) -> SnapshotVerdict

  /// Records that this state's commit is the one that the next must descend from. What the next
  /// leaves alone need not be held twice: it is what this state declares.
  func accept(_ state: DesiredState) async throws(SourceFailure)

  /// Writes the artifact at `path` of `commit` as one archive file to `file`.
  func export(_ path: String, at commit: CommitID, to file: String) async throws(SourceFailure)
    -> Digest
}

/// What became of a commit.
package enum SnapshotVerdict: Sendable {
  /// `isRewound`: it does not descend from the commit that was accepted before, which may be gone.
  case accepted(DesiredState, isRewound: Bool = false)
  /// Held for a person: force-push, unrelated history, signature…
  case held(CommitID?, reason: String)
  /// Hostile or unreadable as a whole.
  case rejected(CommitID?, reason: String)
}

/// Why a source did not answer.
package enum SourceFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Network, server, deadline: asked again.
  case unreachable(String)
  /// The commit does not hold what was asked for.
  case notFound(String)
  /// The server is not the one that it was: a person must look.
  case untrusted(String)

  package var description: String {
    switch self {
    case .unreachable(let text), .notFound(let text), .untrusted(let text): text
    }
  }
}
