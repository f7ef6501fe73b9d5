import Agent
import LedgerKit
import Logging
import Model
import Planning
import PlatformKit
import Synchronization
import Testing

/// One agent over a world of its own, driven pass by pass with a clock of its own.
final class TwinAgent {
  let place = TwinPlace()
  let ledger = TwinLedger()
  let board: SourceBoard
  private(set) var state: PassState
  private let parts: AgentParts
  private let pass: Pass
  private let clock: TwinClock

  init(
    plansAll: Bool, mode: AgentConditions.Mode = .act, hasOlderLedger: Bool = false
  ) async throws {
    let nudge = Nudge()
    let clock = TwinClock()
    let time = AgentClock(now: clock.now) { _ in }
    let key = try #require(IdentityKey(bytes: Array(repeating: 7, count: 32)))
    let places = [place.name: Executor.Place(platform: place, router: place)]
    let resolver = Resolver(artifacts: NoInputs(), secrets: NoInputs(), nudge: nudge, clock: time)
    let log = Logger(label: "twin", factory: { _ in SwiftLogNoOpLogHandler() })
    let executor = Executor(
      places: places, assembly: LaunchAssembly(owner: "twin", key: key, supply: resolver),
      ledger: ledger, lease: nil, nudge: nudge, log: log, clock: time)
    board = SourceBoard(nudge: nudge, sources: ["main"])
    parts = AgentParts(
      ledger: ledger, places: places, board: board, executor: executor,
      prober: Prober(probe: NeverAsked(), nudge: nudge, clock: time),
      inspector: Inspector(interval: .seconds(5), nudge: nudge, clock: time), resolver: resolver,
      tests: TestRunner(caller: NeverAsked(), clock: time), leasePath: "", mode: mode,
      environments: [], interval: .seconds(1),
      limits: PlanningLimits(), alertsQueued: {})
    pass = Pass(parts: parts, log: log)
    self.clock = clock
    var contents = try await ledger.load()
    contents.isOlder = hasOlderLedger
    state = try PassState(contents)
    state.plansAll = plansAll
  }

  /// What this pass wrote before it acted; everything that it began has ended.
  func pass(after time: Duration) async throws -> LedgerWrite? {
    clock.advance(time)
    place.world.withLock { $0.isPassing = true }
    state = try await pass.run(state, at: clock.now())
    place.world.withLock { $0.isPassing = false }
    await parts.executor.drain()
    // Inspections end on their own; the next pass must find the same in both worlds.
    while await !parts.inspector.isIdle { await Task.yield() }
    let writes = await ledger.takeWrites()
    return writes.first { write in write.entries.allSatisfy { $0.kind != .outcome } }
  }
}

/// Time that stands until it is advanced.
private final class TwinClock: Sendable {
  private let time = Mutex(Duration.seconds(1000))

  func advance(_ by: Duration) { time.withLock { $0 += by } }

  @Sendable func now() -> Now {
    let time = time.withLock { $0 }
    return Now(
      bootID: "boot", sinceBoot: time, wall: WallTime(milliseconds: time.wholeMilliseconds))
  }
}

/// All targets of the twins are judged by what runs.
private struct NeverAsked: HealthProbe, TestCaller {
  func call(_ test: TestDeclaration, at address: String, limit: Duration) async -> TestResult {
    TestResult(.unanswered, "not asked")
  }

  func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? { "not asked" }
}

/// The specs of the twins have no inputs.
private struct NoInputs: ArtifactFetcher, SecretReader {
  func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile { throw .rejected(fault: .stack, "no inputs here") }
  func cached(identity: String) async -> ArtifactFile? { nil }
  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String) {
    throw .rejected(fault: .stack, "no inputs here")
  }
}
