package import Model

/// What a source's newest commit is worth.
package enum SourceVerdict: Hashable, Codable, Sendable {
  /// Verified and read completely. It counts once `GitSource.accept` has been told.
  case accepted(AcceptedCommit)
  /// Nothing is wrong with the bytes, but a person must look first: the last good commit stays.
  case held(HeldCommit)
  /// Hostile or unreadable as a whole: the last good commit stays.
  case rejected(RejectedCommit)
}

package struct AcceptedCommit: Hashable, Codable, Sendable {
  package var commit: CommitID
  package var state: DesiredState
  package var relation: CommitRelation
  /// First line of the commit's message, and who wrote it: claims, not facts.
  package var subject: String
  package var author: String
  /// Who signed it, when that was verified.
  package var signer: String?
  /// Under the policy `warn`, what `require` would have held it for; or that it rewinds.
  package var warnings: [String]
  package var statistics: ReadStatistics
  package init(
    commit: CommitID, state: DesiredState, relation: CommitRelation, subject: String = "",
    author: String = "", signer: String? = nil, warnings: [String] = [],
    statistics: ReadStatistics = ReadStatistics()
  ) {
    self.commit = commit
    self.state = state
    self.relation = relation
    self.subject = subject
    self.author = author
    self.signer = signer
    self.warnings = warnings
    self.statistics = statistics
  }
}

package struct HeldCommit: Hashable, Codable, Sendable {
  package enum Reason: String, Codable, Sendable, CaseIterable {
    /// The last accepted commit is not an ancestor: the branch was rewritten or set back.
    case forcePush
    case unrelatedHistory
    /// The last accepted commit is no longer on the server, so descent cannot be shown.
    case previousMissing
    case unsigned
    /// Signed, but by no key that we trust, or not validly.
    case badSignature
    /// The branch or tag does not exist, or the repository is empty.
    case missingReference
    case missingPath
    /// No YAML file below the path.
    case emptyTree
    /// YAML files, but not one target.
    case noTargets
  }

  package var reason: Reason
  package var commit: CommitID?
  /// For people: what is wrong and what to do.
  package var message: String
  package var diagnostics: [Diagnostic] = []
  package init(
    reason: Reason, commit: CommitID? = nil, message: String, diagnostics: [Diagnostic] = []
  ) {
    self.reason = reason
    self.commit = commit
    self.message = message
    self.diagnostics = diagnostics
  }
}

package struct RejectedCommit: Hashable, Codable, Sendable {
  package var commit: CommitID?
  package var message: String
  package var diagnostics: [Diagnostic] = []
  package init(commit: CommitID? = nil, message: String, diagnostics: [Diagnostic] = []) {
    self.commit = commit
    self.message = message
    self.diagnostics = diagnostics
  }
}

/// How a commit stands to the last accepted one.
package enum CommitRelation: String, Hashable, Codable, Sendable {
  /// There was no accepted commit.
  case first
  case same
  case descendant
  /// An ancestor, or a sibling with a common ancestor.
  case rewound
  case unrelated
  case previousMissing

  /// It does not descend from the accepted commit, which may be gone.
  package var isRewound: Bool {
    switch self {
    case .first, .same, .descendant: false
    case .rewound, .unrelated, .previousMissing: true
    }
  }
}

/// What one load really read from the object store and parsed; the rest the agent still held.
package struct ReadStatistics: Hashable, Codable, Sendable {
  package var files = 0
  package var treesRead = 0
  package var blobsRead = 0
  /// Files that went through the parser: each once for all paths that have its bytes.
  package var filesParsed = 0
  /// `false` when the store already had the commit.
  package var fetched = false
  package init(
    files: Int = 0, treesRead: Int = 0, blobsRead: Int = 0, filesParsed: Int = 0,
    fetched: Bool = false
  ) {
    self.files = files
    self.treesRead = treesRead
    self.blobsRead = blobsRead
    self.filesParsed = filesParsed
    self.fetched = fetched
  }
}
