import Agent
import Model
import PlatformKit
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

  private func stack(_ generation: Generation) -> StackObservation {
    let spec = StackSpec(workloadKind: "process", workload: .null)
    return StackObservation(
      certificate: BirthCertificate(
        owner: "acme", stack: StackID(TargetID("web", "production"), generation), source: "main",
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

  init() { (inspections, told) = AsyncStream.makeStream() }

  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection {
    told.yield(certificate.stack.generation)
    return Inspection(schema: 1, readings: [:], declared: [:])
  }

  func observe() async throws(PlatformError) -> LiveState { LiveState() }
  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }
  func ensure(_ launch: StackLaunch) async throws(PlatformError) {}
  func setInstances(_ count: Int, of certificate: BirthCertificate) async throws(PlatformError) {}
  func retire(_ certificate: BirthCertificate) async throws(PlatformError) {}
  func logs(
    _ certificate: BirthCertificate, lines: Int
  ) async throws(PlatformError) -> [LogLine] { [] }
}
