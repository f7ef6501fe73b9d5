package import GitSource

extension SourceVerdict {
  package var accepted: AcceptedCommit? {
    if case .accepted(let commit) = self { commit } else { nil }
  }

  /// For comparing what was read, however it was read.
  package var withoutStatistics: SourceVerdict {
    guard case .accepted(var commit) = self else { return self }
    commit.statistics = ReadStatistics()
    return .accepted(commit)
  }
}
