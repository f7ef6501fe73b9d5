import Agent
import Model
import Planning
import PlatformKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProberTests {
  @Test func `what never answered is asked often, what has answered at the gate's interval`() async
  {
    let time = Time()
    let prober = Prober(
      probe: LateProbe(failures: 60), nudge: Nudge(),
      clock: AgentClock(now: { time.now }, sleep: { try await time.sleep($0) }))
    await prober.follow([stack()])
    var pauses: [Duration] = []
    for await pause in time.pauses.prefix(63) { pauses.append(pause) }
    await prober.stop()
    #expect(pauses.prefix(9).allSatisfy { $0 == .milliseconds(20) })
    // Longer and longer, and never longer than between two passes.
    #expect(pauses.prefix(60) == pauses.prefix(60).sorted()[...])
    #expect(pauses[59] == .milliseconds(500))
    #expect(pauses[20] < .milliseconds(100))
    #expect(pauses.suffix(3).allSatisfy { $0 == .milliseconds(500) })
  }

  @Test func `one that fails after it has answered is asked at the gate's interval`() async {
    let time = Time()
    let prober = Prober(
      probe: LateProbe(failures: 0, passes: 1), nudge: Nudge(),
      clock: AgentClock(now: { time.now }, sleep: { try await time.sleep($0) }))
    await prober.follow([stack()])
    var pauses: [Duration] = []
    for await pause in time.pauses.prefix(5) { pauses.append(pause) }
    await prober.stop()
    #expect(pauses.allSatisfy { $0 == .milliseconds(500) })
  }

  @Test func `what a command showed counts once for each run, as long as it is fresh`() async {
    let time = Time()
    let checks = Checks()
    let prober = Prober(
      probe: LateProbe(failures: .max), checks: ["local": checks], nudge: Nudge(),
      clock: AgentClock(now: { time.now }, sleep: { try await time.sleep($0) }))
    let stack = stack(.command(["./check"]))
    let key = ProbeBook.Key(stack.certificate)
    func show(_ passes: Int, serial: Int, failure: String? = nil, age: Duration = .zero) async {
      await checks.set([
        CheckResult(instance: 0, serial: serial, passes: passes, failure: failure, age: age)
      ])
    }
    await show(1, serial: 10)
    await prober.follow([stack])
    await checks.untilRead(5)
    // Read five times, it still is one pass of three.
    var report = await prober.reports(at: time.now)[key]
    #expect(report?.healthy == 1 && report?.proven == 0)
    await show(2, serial: 11)
    await checks.untilRead(2)
    report = await prober.reports(at: time.now)[key]
    #expect(report?.healthy == 1 && report?.proven == 0)
    // Also those that nobody has read were in a row.
    await show(5, serial: 14)
    await checks.untilRead(2)
    report = await prober.reports(at: time.now)[key]
    #expect(report?.proven == 1)
    // Time goes on by half an interval with each reading: what is not repeated is too old.
    await checks.untilRead(12)
    report = await prober.reports(at: time.now)[key]
    #expect(report?.healthy == 0 && report?.proven == 0)
    await show(0, serial: 15, failure: "./check: exit status 1: no database")
    await checks.untilRead(2)
    report = await prober.reports(at: time.now)[key]
    #expect(report?.healthy == 0)
    #expect(report?.lastFailure == "instance 0: ./check: exit status 1: no database")
    // A result that is old when it is read is no news.
    await show(9, serial: 30, age: .seconds(60))
    await checks.untilRead(2)
    report = await prober.reports(at: time.now)[key]
    #expect(report?.healthy == 0)
    await checks.set([])
    await checks.untilRead(2)
    report = await prober.reports(at: time.now)[key]
    #expect(report == nil)
    await prober.stop()
  }

  private func stack(_ check: HealthGate.Check = .tcp) -> StackObservation {
    var spec = StackSpec(workloadKind: "process", workload: .null)
    spec.health = HealthGate(check: check, interval: .milliseconds(500), healthyAfter: 3)
    return StackObservation(
      certificate: BirthCertificate(
        owner: "acme", stack: StackID(TargetID("web", "production"), 1), source: "main",
        commit: CommitID(rawValue: String(repeating: "a", count: 40)), version: "1.0.0",
        declaredDigest: spec.declaredDigest, stackDigest: spec.stackDigest([]), spec: spec,
        resolved: [], traffic: .http, platform: "local", platformIdentity: "here",
        launch: "launch", ledgerSequence: 1, createdAt: WallTime(milliseconds: 0)),
      phase: .complete, capacity: Capacity(declared: 1, intended: 1, running: 1),
      endpoints: [Endpoint(instance: 0, host: "127.0.0.1", port: 1)])
  }
}

/// A platform whose results tests set, and which tells when they have been read.
private actor Checks: CheckReader {
  private var results: [CheckResult] = []
  private var reads = 0
  private var waiting: (reads: Int, continuation: CheckedContinuation<Void, Never>)?

  func set(_ results: [CheckResult]) { self.results = results }

  func checks(of certificate: BirthCertificate) async throws(PlatformError) -> [CheckResult] {
    reads += 1
    if let waiting, reads > waiting.reads {
      self.waiting = nil
      waiting.continuation.resume()
    }
    return results
  }

  /// So many readings from now on have been worked through: the next one has begun.
  func untilRead(_ count: Int) async {
    await withCheckedContinuation { waiting = (reads + count, $0) }
  }
}

/// Time that passes only while somebody sleeps, and tells how long.
private final class Time: Sendable {
  private let elapsed = Mutex(Duration.zero)
  private let told: AsyncStream<Duration>.Continuation
  let pauses: AsyncStream<Duration>

  init() { (pauses, told) = AsyncStream.makeStream() }

  var now: Now {
    Now(bootID: "boot", sinceBoot: elapsed.withLock { $0 }, wall: WallTime(milliseconds: 0))
  }

  func sleep(_ duration: Duration) async throws {
    try Task.checkCancellation()
    elapsed.withLock { $0 += duration }
    told.yield(duration)
    await Task.yield()
  }
}

/// Fails so often, then passes so often, then fails.
private actor LateProbe: HealthProbe {
  private var failures: Int
  private var passes: Int

  init(failures: Int, passes: Int = .max) { (self.failures, self.passes) = (failures, passes) }

  func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? {
    if failures > 0 {
      failures -= 1
      return "refused"
    }
    passes -= 1
    return passes >= 0 ? nil : "refused"
  }
}
