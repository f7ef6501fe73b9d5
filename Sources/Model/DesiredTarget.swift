/// What a commit says of one target.
package typealias DesiredTarget = Shared<DesiredTargetFields>

/// The fields of `DesiredTarget`.
package struct DesiredTargetFields: Hashable, Codable, Sendable {
  package var id: TargetID
  package var source: SourceName
  /// The commit that first said it like this, as far as the agent has seen; not part of any digest.
  /// The newest commit that does is that of the whole state.
  package var commit: CommitID
  /// The version's text as written.
  package var version: String
  package var platform: PlatformName
  package var spec: StackSpec
  package var rollout: RolloutPolicy = RolloutPolicy()
  package var traffic: TrafficPolicy = TrafficPolicy()
  package var drift: DriftPolicy = DriftPolicy()
  /// The router's own canonical payload (`{"listen":"127.0.0.1:8080"}`); nil for workers.
  package var route: CanonicalValue?
  package var dependsOn: [TargetID] = []
  package var freeze: [FreezeWindow] = []
  package var labels: [String: String] = [:]
  /// So many targets of its environment may roll out at the same time; nil: as many as the agent lets.
  package var wave: Int?
  /// With the others of it in its environment it is one release; nil: it is released by itself.
  package var group: GroupName?
  /// Of a target in a group: the commit that first declared its digest, as far as the agent has seen; nil:
  /// `commit` itself.
  package var digestCommit: CommitID?
  /// `spec.declaredDigest`, computed once.
  package var declaredDigest: Digest
  /// Where its version stands; nil in what an older agent kept.
  package var declaredAt: FilePosition?
  /// What the artifacts that are paths of the repository are in this commit, by their names; nil:
  /// not looked up.
  package var objects: [String: ArtifactObject]?
  /// What it declares goes through freeze windows; nil: it waits for their end.
  package var freezeOverride: FreezeOverride?
}

/// A commit that says that what it newly declares goes through freeze windows.
package struct FreezeOverride: Hashable, Codable, Sendable {
  package var commit: CommitID
  /// In the words of whoever wrote the commit.
  package var reason: String
  package init(commit: CommitID, reason: String) {
    self.commit = commit
    self.reason = reason
  }
}

extension DesiredTarget {
  package init(
    id: TargetID, source: SourceName, commit: CommitID, version: String, platform: PlatformName,
    spec: StackSpec, rollout: RolloutPolicy = RolloutPolicy(),
    traffic: TrafficPolicy = TrafficPolicy(), drift: DriftPolicy = DriftPolicy(),
    route: CanonicalValue? = nil, dependsOn: [TargetID] = [], freeze: [FreezeWindow] = [],
    labels: [String: String] = [:], declaredDigest: Digest,
    declaredAt: FilePosition? = nil
  ) {
    self.init(
      DesiredTargetFields(
        id: id, source: source, commit: commit, version: version, platform: platform, spec: spec,
        rollout: rollout, traffic: traffic, drift: drift, route: route, dependsOn: dependsOn,
        freeze: freeze, labels: labels, declaredDigest: declaredDigest, declaredAt: declaredAt))
  }
}

/// A line of a file of the repository.
package struct FilePosition: Hashable, Codable, Sendable, CustomStringConvertible {
  package var file: String
  /// From 1.
  package var line: Int
  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  /// `environments/production/web.yaml:7`.
  package var description: String { "\(file):\(line)" }
}

/// What a path of the repository names in one commit.
package enum ArtifactObject: Hashable, Codable, Sendable {
  /// Equal texts export to equal archives.
  case present(String)
  /// Nothing that could be exported, in any commit with this tree; why, for people.
  case absent(reason: String)
}

/// What a whole verified commit of one source says.
package struct DesiredState: Hashable, Codable, Sendable {
  package var source: SourceName
  package var commit: CommitID
  /// Sorted by id, each once.
  package var targets: [DesiredTarget] = []
  /// Targets that a wrong document touches: they keep their last good spec.
  package var broken: [TargetID] = []
  /// All problems found; any of severity error suspends all removals.
  package var diagnostics: [Diagnostic] = []
  /// `metadata.previously`: by a target's name, the name under which it was declared before; nil:
  /// nothing was renamed.
  package var renames: [TargetID: TargetID]?
  /// Why what this commit newly declares goes through freeze windows; nil: it does not.
  package var freezeOverride: String?
  package init(
    source: SourceName, commit: CommitID, targets: [DesiredTarget] = [], broken: [TargetID] = [],
    diagnostics: [Diagnostic] = [], renames: [TargetID: TargetID]? = nil
  ) {
    self.source = source
    self.commit = commit
    self.targets = targets
    self.broken = broken
    self.diagnostics = diagnostics
    self.renames = renames
  }

  /// Every document was read without an error: only then may absence remove a target.
  package var isComplete: Bool { !diagnostics.contains { $0.severity == .error } }

  /// The same, in which a target that an earlier state has declared alike is the earlier one, its
  /// commit included: what a commit leaves alone is the same value as before, found so at a glance.
  /// What it changes gets the commit's freeze override.
  package func keeping(_ earlier: DesiredState) -> DesiredState {
    var state = self
    var (old, place) = (earlier.targets, 0)
    for index in state.targets.indices {
      let id = state.targets[index].id
      while place < old.count, old[place].id < id { place += 1 }
      let isOld = place < old.count && old[place].id == id
      if isOld, state.targets[index].isSame(as: old[place]) { continue }
      let override = freezeOverride(of: state.targets[index], after: isOld ? old[place] : nil)
      if override != nil { state.targets[index].freezeOverride = override }
      guard isOld else { continue }
      let since = digestCommit(of: state.targets[index], after: old[place])
      if since != nil { state.targets[index].digestCommit = since }
      (old[place].commit, old[place].digestCommit) = (state.targets[index].commit, since)
      if old[place] == state.targets[index] { state.targets[index] = earlier.targets[place] }
    }
    return state
  }

  /// What is released together is what one commit has bumped, whatever else of it was changed since.
  private func digestCommit(of target: DesiredTarget, after old: DesiredTarget) -> CommitID? {
    guard target.group != nil, target.declaredDigest == old.declaredDigest else { return nil }
    return old.digestCommit ?? old.commit
  }

  /// It belongs to what the commit has newly declared, and stays with that as long as it is declared.
  private func freezeOverride(
    of target: DesiredTarget, after old: DesiredTarget?
  ) -> FreezeOverride? {
    if let old, old.declaredDigest == target.declaredDigest { return old.freezeOverride }
    return freezeOverride.map { FreezeOverride(commit: commit, reason: $0) }
  }

  /// What this state declares of a target.
  package func target(_ id: TargetID) -> DesiredTarget? {
    var (low, high) = (0, targets.count)
    while low < high {
      let middle = (low + high) / 2
      if targets[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < targets.count && targets[low].id == id ? targets[low] : nil
  }
}
