package import GitSource
package import Model

/// A Git repository as a source of snapshots.
package struct GitSnapshotSource: SnapshotSource {
  private let git: GitSource

  package init(_ git: GitSource) { self.git = git }

  package var name: SourceName { git.configuration.name }

  package func tip() async throws(SourceFailure) -> CommitID {
    do throws(SourceError) { return try await git.tip() } catch { throw SourceFailure(error) }
  }

  package func load(accepted: CommitID?) async throws(SourceFailure) -> SnapshotVerdict {
    do throws(SourceError) {
      switch try await git.load(accepted: accepted) {
      case .accepted(let accepted):
        return .accepted(accepted.state, isRewound: accepted.relation.isRewound)
      case .held(let held): return .held(held.commit, reason: held.message)
      case .rejected(let rejected):
        let details = rejected.diagnostics.prefix(3).map(\.description)
        return .rejected(
          rejected.commit, reason: ([rejected.message] + details).joined(separator: "; "))
      }
    } catch { throw SourceFailure(error) }
  }

  package func accept(_ state: DesiredState) async throws(SourceFailure) {
    git.hold(state)
    do throws(SourceError) { try await git.accept(state.commit) } catch {
      throw SourceFailure(error)
    }
  }

  package func export(
    _ path: String, at commit: CommitID, to file: String
  ) async throws(SourceFailure) -> Digest {
    do throws(SourceError) {
      return try await git.export(path: path, commit: commit, into: file).sha256
    } catch { throw SourceFailure(error) }
  }
}

extension SourceFailure {
  fileprivate init(_ error: SourceError) {
    switch error {
    case .missing(let text), .refused(let text): self = .notFound(text)
    case .untrusted(let text): self = .untrusted(text)
    default: self = .unreachable("\(error)")
    }
  }
}
