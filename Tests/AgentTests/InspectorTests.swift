import Agent
import Model
import Planning
import PlatformKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct InspectorTests {
  @Test func `what was read before a stack had proven itself is read again at once`() async throws {
    let platform = InspectedPlatform()
    let inspector = Inspector(
      interval: .seconds(3600), nudge: Nudge(), clock: AgentClock(now: { at(10) }) { _ in })
    var inspections = platform.inspections.makeAsyncIterator()
    var subject = Inspector.Subject(stack: stack(1), platform: platform)
    await inspector.follow([subject], at: at(10))
    #expect(await inspections.next() == 1)
    while await inspector.current(at: at(10)).isEmpty { await Task.yield() }
    subject.provenFor = .seconds(5)
    await inspector.follow([subject], at: at(12))
    // The next to be inspected is another stack: what was read of the first is new enough.
    let other = Inspector.Subject(stack: stack(2), platform: platform)
    await inspector.follow([subject, other], at: at(12))
    #expect(await inspections.next() == 2)
    subject.provenFor = .seconds(1)
    await inspector.follow([subject], at: at(12))
    #expect(await inspections.next() == 1)
  }

  @Test func `each stack has its turn after the interval, whoever else is looked at again`()
    async throws
  {
    let platform = InspectedPlatform()
    let clock = Mutex(at(10))
    let inspector = Inspector(
      interval: .seconds(30), nudge: Nudge(),
      clock: AgentClock(now: { clock.withLock { $0 } }) { _ in })
    var inspections = platform.inspections.makeAsyncIterator()
    let (one, two) = (stack(1, of: "web"), stack(2, of: "shop"))
    for (seconds, stack) in [(10, one), (20, two)] {
      clock.withLock { $0 = at(seconds) }
      await follow([stack], on: platform, by: inspector, at: at(seconds))
      #expect(await inspections.next() == stack.id.generation)
      await ended(stack, by: inspector, since: at(seconds))
    }
    // Both are looked at by every pass from now on; only what is due is inspected.
    for (seconds, due) in [(30, nil), (40, one), (49, nil), (50, two), (69, nil), (70, one)] {
      clock.withLock { $0 = at(seconds) }
      await follow([two], on: platform, by: inspector, at: at(seconds))
      await inspector.followOn(at: at(seconds))
      guard let due else { continue }
      #expect(await inspections.next() == due.id.generation)
      await ended(due, by: inspector, since: at(seconds))
    }
  }

  @Test func `what is read of a stack that is gone meanwhile is nobody's news`() async throws {
    let platform = InspectedPlatform()
    let inspector = Inspector(
      interval: .seconds(30), nudge: Nudge(), clock: AgentClock(now: { at(10) }) { _ in })
    var inspections = platform.inspections.makeAsyncIterator()
    platform.gate.close()
    // As many as are inspected at a time.
    let gone = (1...4).map { stack(Generation($0)) }
    await follow(gone, on: platform, by: inspector, at: at(10))
    for _ in gone { _ = await inspections.next() }
    // The next one begins only when the result of one of them has come.
    await follow([stack(5)], on: platform, by: inspector, at: at(10))
    platform.gate.open()
    await ended(stack(5), by: inspector, since: at(10))
    #expect(await inspector.current(at: at(10)).keys.map(\.stack.generation) == [5])
  }

  private func follow(
    _ stacks: [StackObservation], on platform: InspectedPlatform, by inspector: Inspector,
    at now: Now
  ) async {
    let subjects = stacks.map { Inspector.Subject(stack: $0, platform: platform) }
    await inspector.follow(subjects, of: Set(stacks.map(\.id.target)), at: now)
  }

  /// Until the report is from that moment.
  private func ended(_ stack: StackObservation, by inspector: Inspector, since now: Now) async {
    let key = ProbeBook.Key(stack.certificate)
    while await inspector.current(of: [key], at: now)[key]?.age != .zero { await Task.yield() }
  }

  private func stack(
    _ generation: Generation, of application: ApplicationName = "web"
  ) -> StackObservation {
    let spec = StackSpec(workloadKind: "process", workload: .null)
    return StackObservation(
      certificate: BirthCertificate(
        owner: "acme", stack: StackID(TargetID(application, "production"), generation),
        source: "main",
        commit: CommitID(rawValue: String(repeating: "a", count: 40)), version: "1.0.0",
        declaredDigest: spec.declaredDigest, stackDigest: spec.stackDigest([]), spec: spec,
        resolved: [], traffic: .http, platform: "local", platformIdentity: "here",
        launch: "launch-\(generation)", ledgerSequence: 1, createdAt: WallTime(milliseconds: 0)),
      phase: .complete, capacity: Capacity(declared: 1, intended: 1, running: 1))
  }
}

private func at(_ seconds: Int) -> Now {
  Now(bootID: "boot", sinceBoot: .seconds(seconds), wall: WallTime(milliseconds: 0))
}

/// Tells which stacks are inspected; everything else has nothing to say.
private struct InspectedPlatform: Platform {
  let name: PlatformName = "local"
  let identity = "here"
  let propagation = Duration.zero
  let nameLimit = 128
  let inspections: AsyncStream<Generation>
  private let told: AsyncStream<Generation>.Continuation

  /// Inspections wait while it is true.
  let gate = Gate()

  init() { (inspections, told) = AsyncStream.makeStream() }

  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection {
    told.yield(certificate.stack.generation)
    while gate.isClosed { await Task.yield() }
    return Inspection(schema: 1, readings: [:], declared: [:])
  }

  func observe() async throws(PlatformError) -> LiveState { LiveState() }
  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }
  func ensure(_ launch: StackLaunch) async throws(PlatformError) {}
  func setInstances(_ count: Int, of certificate: BirthCertificate) async throws(PlatformError) {}
  func run(_ task: StackTask, of certificate: BirthCertificate) async throws(PlatformError) {
    throw .rejected(fault: .platform, "nothing runs here")
  }
  func retire(_ certificate: BirthCertificate) async throws(PlatformError) {}
  func logs(
    _ certificate: BirthCertificate, lines: Int
  ) async throws(PlatformError) -> [LogLine] { [] }
}

private final class Gate: Sendable {
  private let state = Mutex(false)
  var isClosed: Bool { state.withLock { $0 } }
  func close() { state.withLock { $0 = true } }
  func open() { state.withLock { $0 = false } }
}
