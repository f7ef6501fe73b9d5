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
}

/// What one load really read from the object store; the rest came from the cache of the last one.
package struct ReadStatistics: Hashable, Codable, Sendable {
  package var files = 0
  package var treesRead = 0
  package var blobsRead = 0
  /// `false` when the store already had the commit.
  package var fetched = false
  package init(files: Int = 0, treesRead: Int = 0, blobsRead: Int = 0, fetched: Bool = false) {
    self.files = files
    self.treesRead = treesRead
    self.blobsRead = blobsRead
    self.fetched = fetched
  }
}

/// One YAML file of a snapshot.
package struct SourceFile: Hashable, Sendable {
  /// From the repository's top.
  package var path: String
  package var bytes: [UInt8]
  /// Git's object id: equal ids mean equal bytes.
  package var blobID: String
  package init(path: String, bytes: [UInt8], blobID: String) {
    self.path = path
    self.bytes = bytes
    self.blobID = blobID
  }
}

/// The tree of one verified commit, as the injected parser sees it.
package struct SourceSnapshot: Sendable {
  package var source: SourceName
  package var commit: CommitID
  /// Sorted by path.
  package var files: [SourceFile]
  /// What the agent gave `GitSource` for the parser, such as its platforms, as it is.
  package var parserContext: String
  package init(
    source: SourceName, commit: CommitID, files: [SourceFile], parserContext: String = ""
  ) {
    self.source = source
    self.commit = commit
    self.files = files
    self.parserContext = parserContext
  }
}

/// Turns the files into targets; runs in the worker process.
package typealias SnapshotParser = @Sendable (SourceSnapshot) -> DesiredState
