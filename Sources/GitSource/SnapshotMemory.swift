import Model
import Synchronization

/// What the agent holds of the last commit that a worker read for it.
///
/// In memory only, and of one `GitSource`: another program, another configuration of the source or
/// another parser context begin with nothing. What is kept of a file is keyed by its blob.
final class SnapshotMemory: Sendable {
  fileprivate struct Held {
    var files: [SnapshotParts.BlobID: SnapshotParts.File] = [:]
    var targets: [SnapshotParts.TargetName: DesiredTarget] = [:]
    /// The targets are those that the agent goes on with.
    var isAgents = false
  }

  private let held = Mutex(Held())

  /// What a worker is told.
  var parts: SnapshotParts {
    held.withLock { SnapshotParts(files: $0.files, targets: Array($0.targets.keys)) }
  }

  func forget() { held.withLock { $0 = Held() } }

  /// Once, and again after everything was forgotten: what is held then goes from state to state.
  func hold(_ state: DesiredState) {
    held.withLock { held in
      guard !held.isAgents else { return }
      held.isAgents = true
      for index in held.targets.indices {
        var target = held.targets.values[index]
        guard let same = state.target(target.id), !same.isSame(as: target) else { continue }
        target.commit = same.commit
        if target == same { held.targets.values[index] = same }
      }
    }
  }

  /// The verdict with all targets: those that the worker left out, because they are as they were,
  /// come from here. A commit that is not accepted changes nothing of what is held.
  ///
  /// Errors: `.worker` when the answer does not fit what was told; then nothing is held any more,
  /// and the next answer is complete.
  func complete(
    _ verdict: SourceVerdict, _ parts: SnapshotParts
  ) throws(SourceError) -> SourceVerdict {
    guard case .accepted(var accepted) = verdict else { return verdict }
    let isRewound = accepted.relation.isRewound
    guard let new = held.withLock({ $0.merged(&accepted.state, parts, isRewound: isRewound) })
    else {
      forget()
      throw .worker("the source worker's answer does not fit what it was told")
    }
    held.withLock { $0 = new }
    return .accepted(accepted)
  }
}

extension SnapshotMemory.Held {
  /// nil when something is missing or left over.
  fileprivate func merged(
    _ state: inout DesiredState, _ parts: SnapshotParts, isRewound: Bool
  ) -> Self? {
    // Too much to be held, and so nothing was left out.
    guard !parts.targets.isEmpty || state.targets.isEmpty else { return Self() }
    var new = Self(files: parts.files, isAgents: isAgents && !isRewound)
    for id in parts.kept {
      guard let file = files[id] else { return nil }
      new.files[id] = file
    }
    var sent = state.targets.makeIterator()
    var all: [DesiredTarget] = []
    for name in parts.targets {
      // One that is held keeps the commit that it was read from, unless that may be gone.
      guard var target = targets[name] ?? sent.next() else { return nil }
      if isRewound { target.commit = state.commit }
      new.targets[name] = target
      guard all.last.map({ $0.id < target.id }) ?? true else { return nil }
      all.append(target)
    }
    guard sent.next() == nil else { return nil }
    state.targets = all
    return new
  }
}
