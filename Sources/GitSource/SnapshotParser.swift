package import Model

/// How the files of a commit become targets; runs in the worker process, in two steps, so that a
/// file that has not changed is read and parsed once and not with every commit.
package struct SnapshotParser: Sendable {
  /// What is worth keeping of one file. It depends on the bytes alone: it is used again for every
  /// path, and in every later commit, that has the same bytes.
  package var read: @Sendable (_ bytes: [UInt8]) -> [UInt8]
  /// All files of one commit, as `read` gave them.
  package var assemble: @Sendable (SourceSnapshot) -> DesiredState

  package init(
    read: @escaping @Sendable (_ bytes: [UInt8]) -> [UInt8],
    assemble: @escaping @Sendable (SourceSnapshot) -> DesiredState
  ) {
    self.read = read
    self.assemble = assemble
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

/// One YAML file of a snapshot.
package struct SourceFile: Hashable, Sendable {
  /// From the repository's top.
  package var path: String
  /// What `SnapshotParser.read` gave for its bytes.
  package var reading: [UInt8]
  package init(path: String, reading: [UInt8]) {
    self.path = path
    self.reading = reading
  }
}
