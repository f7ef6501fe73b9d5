import Agent
import Model
import Synchronization

/// A repository whose commits declare the fleet: each bump is a commit that changes one target. As
/// from Git, what has not changed is what the agent was given before.
final class Repository: SnapshotSource {
  let name: SourceName = "bench"
  private let state: Mutex<DesiredState>

  init(targets count: Int, bake: Duration) {
    let targets = (0..<count).map { Self.target($0, version: 0, bake: bake, commit: Self.id(0)) }
    state = Mutex(
      DesiredState(
        source: name, commit: Self.id(0), targets: targets.sorted { $0.id < $1.id }))
  }

  /// The version of one target goes up; the answer is the new commit.
  func bump(_ index: Int) -> CommitID {
    state.withLock { state in
      let number = (Int(state.commit.rawValue, radix: 16) ?? 0) + 1
      let place = index % max(1, state.targets.count)
      let old = state.targets[place]
      state.commit = Self.id(number)
      state.targets[place] = Self.target(
        old.route?["index"]?.integer ?? 0, version: number, bake: old.rollout.bake,
        commit: state.commit)
      return state.commit
    }
  }

  func tip() async throws(SourceFailure) -> CommitID { state.withLock { $0.commit } }

  func load(accepted: CommitID?) async throws(SourceFailure) -> SnapshotVerdict {
    .accepted(state.withLock { $0 })
  }

  /// As a source worker's caller: what the agent goes on with is given to it again.
  func accept(_ state: DesiredState) async throws(SourceFailure) {
    self.state.withLock { $0 = state }
  }

  func export(
    _ path: String, at commit: CommitID, to file: String
  ) async throws(SourceFailure) -> Digest {
    throw .notFound("no artifacts here")
  }

  private static func id(_ number: Int) -> CommitID {
    let digits = String(number, radix: 16)
    return CommitID(rawValue: String(repeating: "0", count: 40 - digits.count) + digits)
  }

  private static func target(
    _ index: Int, version: Int, bake: Duration, commit: CommitID
  ) -> DesiredTarget {
    let spec = StackSpec(
      workloadKind: "process", workload: ["command": ["web", .string("1.0.\(version)")]],
      inputs: [], health: HealthGate(check: .tcp, interval: .seconds(3600), healthyAfter: 1))
    return DesiredTarget(
      id: TargetID(ApplicationName(rawValue: "app-\(index)"), "production"), source: "bench",
      commit: commit, version: "1.0.\(version)", platform: "memory", spec: spec,
      rollout: RolloutPolicy(bake: bake),
      route: ["listen": .string("127.0.0.1:\(index)"), "index": .integer(index)],
      declaredDigest: spec.declaredDigest)
  }
}
