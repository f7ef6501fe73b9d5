import Agent
import Foundation
import LedgerKit
import LedgerStore
import Logging
import Model
import Planning
import PlatformKit
import Synchronization

/// A fleet of declared targets on the memory platform, driven pass by pass with a clock of its own.
final class Fleet {
  let platform = MemoryPlatform()
  let router = MemoryRouter()
  private(set) var state: PassState
  private let parts: AgentParts
  private let pass: Pass
  private let targets: Int
  private let clock = SteppedClock()

  /// `bake`: of every target, on the fleet's clock.
  init(directory: String, targets: Int, bake: Duration = .seconds(2)) async throws {
    self.targets = targets
    let nudge = Nudge()
    guard let key = IdentityKey(bytes: Array(repeating: 7, count: 32)) else {
      throw AgentError.startup("no key")
    }
    let ledger = try LedgerStore.open(at: "\(directory)/ledger.sqlite", key: key)
    let places = [platform.name: Executor.Place(platform: platform, router: router)]
    let resolver = Resolver(artifacts: NoInputs(), secrets: NoInputs(), nudge: nudge)
    let log = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })
    let executor = Executor(
      places: places, assembly: LaunchAssembly(owner: "bench", key: key, supply: resolver),
      ledger: ledger, lease: nil, nudge: nudge, log: log)
    let board = SourceBoard(nudge: nudge, sources: ["bench"])
    parts = AgentParts(
      ledger: ledger, places: places, board: board, executor: executor,
      prober: Prober(probe: AlwaysHealthy(), nudge: nudge),
      inspector: Inspector(
        interval: .seconds(3600), nudge: nudge,
        clock: AgentClock(now: clock.now) { try await Task.sleep(for: $0) }),
      resolver: resolver,
      leasePath: "", mode: .act, environments: [], interval: .seconds(1),
      limits: PlanningLimits(concurrentRollouts: targets), alertsQueued: {})
    pass = Pass(parts: parts, log: log)
    state = try PassState(try await ledger.load())
    await board.update("bench", Self.view(targets, bake: bake))
  }

  /// One pass, one second later, and everything it began has ended.
  func pass() async throws {
    state = try await pass.run(state, at: clock.step())
    await parts.executor.drain()
  }

  /// Passes until every target is synced and at rest, and nothing happens any more.
  func settle() async throws {
    // Launch, gate, shift, bake of 2 s and the drain take some thirty passes; ten times that says
    // that something is wrong.
    for _ in 0..<300 {
      let before = state.lastSequence
      try await pass()
      let isSettled =
        state.statuses.count == targets && state.lastSequence == before
        && state.planned == 0
        && state.statuses.values.allSatisfy { $0.sync == .synced && $0.rollout == nil }
      if isSettled { return }
    }
    throw AgentError.startup(
      "the fleet does not settle: \(state.statuses.values.first.debugDescription)")
  }

  /// Passes until every target bakes.
  func bake() async throws {
    for _ in 0..<200 {
      try await pass()
      let phases = state.statuses.values.map(\.rollout?.phase)
      if phases.count == targets, phases.allSatisfy({ $0 == "baking" }) { return }
    }
    throw AgentError.startup("the fleet does not bake")
  }

  private static func view(_ count: Int, bake: Duration) -> SourceView {
    let targets = (0..<count).map { index in
      let spec = StackSpec(
        workloadKind: "process", workload: ["command": ["web"]], inputs: [],
        health: HealthGate(check: .tcp, interval: .seconds(3600), healthyAfter: 1))
      let id = TargetID(ApplicationName(rawValue: "app-\(index)"), "production")
      return DesiredTarget(
        id: id, source: "bench", commit: CommitID(rawValue: String(repeating: "a", count: 40)),
        version: "1.0.0", platform: "memory", spec: spec,
        rollout: RolloutPolicy(bake: bake), route: ["listen": .string("127.0.0.1:\(index)")],
        declaredDigest: spec.declaredDigest)
    }.sorted { $0.id < $1.id }
    let desired = DesiredState(
      source: "bench", commit: CommitID(rawValue: String(repeating: "a", count: 40)),
      targets: targets)
    return SourceView(
      state: SourceState(
        health: .current, commit: desired.commit, isComplete: true, targetCount: count),
      desired: desired)
  }
}

/// The fleet's time: passes and inspections must agree about it, or every inspection is due always.
private final class SteppedClock: Sendable {
  private let seconds = Mutex(1000)

  func step() -> Now {
    seconds.withLock { $0 += 1 }
    return now()
  }

  func now() -> Now {
    let seconds = seconds.withLock { $0 }
    return Now(
      bootID: "bench", sinceBoot: .seconds(seconds), wall: WallTime(milliseconds: seconds * 1000))
  }
}

private struct AlwaysHealthy: HealthProbe {
  func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? { nil }
}

/// The benchmark's specs have no inputs.
private struct NoInputs: ArtifactFetcher, SecretReader {
  func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile {
    throw .rejected(fault: .stack, "no inputs here")
  }
  func cached(identity: String) async -> ArtifactFile? { nil }
  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String) {
    throw .rejected(fault: .stack, "no inputs here")
  }
}
