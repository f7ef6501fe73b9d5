package import GitSource
package import Model

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

  /// By name; nil: nothing was accepted.
  package var declared: [TargetID: DesiredTarget]? {
    accepted.map { commit in
      Dictionary(commit.state.targets.map { ($0.id, $0) }) { first, _ in first }
    }
  }

  /// What is as it was then keeps the commit that said so first.
  package func keeping(_ earlier: [TargetID: DesiredTarget]) -> SourceVerdict {
    guard case .accepted(var commit) = self else { return self }
    commit.state.targets = commit.state.targets.map { target in
      guard var before = earlier[target.id] else { return target }
      before.commit = target.commit
      return before == target ? earlier[target.id] ?? target : target
    }
    return .accepted(commit)
  }
}
