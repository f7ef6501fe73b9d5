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
  let platform: MemoryPlatform
  let router: MemoryRouter
  private(set) var state: PassState
  private let parts: AgentParts
  private let pass: Pass
  private let targets: Int
  private let clock: SteppedClock
  private let repository: Repository
  private let wake = Nudge()
  private let service: Task<Void, any Error>

  /// `bake`: of every target, on the fleet's clock. A directory that was used before has the ledger
  /// of the fleet that ran there.
  init(
    directory: String, targets: Int, bake: Duration = .seconds(2),
    platform: MemoryPlatform = MemoryPlatform(), router: MemoryRouter = MemoryRouter()
  ) async throws {
    (self.targets, self.platform, self.router) = (targets, platform, router)
    let nudge = Nudge()
    guard let key = IdentityKey(bytes: Array(repeating: 7, count: 32)) else {
      throw AgentError.startup("no key")
    }
    let ledger = try LedgerStore.open(at: "\(directory)/ledger.sqlite", key: key)
    let contents = try await ledger.load()
    // Later than whatever the ledger remembers.
    let clock = SteppedClock(after: contents.isNew ? 1000 : 1_000_000)
    self.clock = clock
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
      resolver: resolver, tests: TestRunner(caller: AlwaysHealthy()), leasePath: "", mode: .act,
      environments: [], interval: .seconds(1),
      limits: PlanningLimits(concurrentRollouts: targets), alertsQueued: {})
    pass = Pass(parts: parts, log: log)
    state = try PassState(contents)
    repository = Repository(targets: targets, bake: bake)
    let source = SourceService(
      source: repository, board: board,
      store: LastGoodStore(directory: directory, key: key), lease: nil, poll: .seconds(86_400),
      wake: wake,
      log: log)
    service = Task { try await source.run() }
    try await waitFor(try await repository.tip())
  }

  deinit { service.cancel() }

  /// A commit that gives one target another version: it is there when the agent has taken it.
  func commit(bumping index: Int) async throws {
    let commit = repository.bump(index)
    wake()
    try await waitFor(commit)
  }

  private func waitFor(_ commit: CommitID) async throws {
    // A minute is more than a hundred thousand targets take.
    for _ in 0..<60_000 {
      let state = await parts.board.view(of: repository.name)?.state
      if state?.commit == commit, state?.health == .current { return }
      try await Task.sleep(for: .milliseconds(1))
    }
    throw AgentError.startup("the agent does not take the commit \(commit)")
  }

  /// What readers are shown is the newest commit, also of targets that it has not changed.
  func checkStatuses() async throws {
    let commit = try await repository.tip()
    let statuses = try await parts.ledger.statuses()
    guard statuses.count == targets, statuses.allSatisfy({ $0.desiredCommit == commit }) else {
      throw AgentError.startup("a status shows another commit than \(commit)")
    }
  }

  /// The world as it is now.
  var world: World {
    get async { World(stacks: await platform.all, routes: await router.all) }
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
        state.records.count == targets && state.lastSequence == before
        && state.planned == 0
      // At rest is what is as declared, ready, and has nothing under way.
      if isSettled { return }
    }
    throw AgentError.startup(
      "the fleet does not settle: \(state.records.values.first.debugDescription)")
  }

  /// Passes until every target bakes.
  func bake() async throws {
    for _ in 0..<200 {
      try await pass()
      let phases = state.records.values.map(\.rollout?.phase)
      if phases.count == targets, phases.allSatisfy({ $0 == .baking }) { return }
    }
    throw AgentError.startup("the fleet does not bake")
  }
}

/// The fleet's time: passes and inspections must agree about it, or every inspection is due always.
private final class SteppedClock: Sendable {
  private let seconds: Mutex<Int>

  init(after seconds: Int) { self.seconds = Mutex(seconds) }

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

private struct AlwaysHealthy: HealthProbe, TestCaller {
  func call(_ test: TestDeclaration, at address: String, limit: Duration) async -> TestResult {
    TestResult(.passed, "")
  }

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
