package import Model

/// What a target remembers of its release group while it is on its way to what is declared; one that is as
/// declared remembers nothing.
package struct GroupMembership: Hashable, Codable, Sendable {
  package var name: GroupName
  package var source: SourceName
  /// The commits that it is on its way for, oldest first: those that first declared the digests which
  /// followed each other since it was last as declared.
  package var commits: [CommitID]
  /// It failed by itself, and the others are taken back for it; nil: it did not.
  package var fault: GroupFault?
  /// The candidate that a person lets go on without the others.
  package var alone: Generation?
  package init(name: GroupName, source: SourceName, commits: [CommitID]) {
    self.name = name
    self.source = source
    self.commits = commits
  }
}

/// The failure of one member: as long as what failed is what is declared, or until a person says more.
package struct GroupFault: Hashable, Codable, Sendable {
  /// A sentence for people.
  package var reason: String
  package var declaredDigest: Digest
  package var stackDigest: Digest
  package init(reason: String, declaredDigest: Digest, stackDigest: Digest) {
    self.reason = reason
    self.declaredDigest = declaredDigest
    self.stackDigest = stackDigest
  }
}
