import Agent
import Logging
import Model
import Planning
import PlatformKit
import Synchronization
import Testing

@Suite struct ExecutorTests {
  @Test func `a platform that runs no commands is not asked to launch what needs one for health`()
    async throws
  {
    let place = TwinPlace()
    let executor = Executor(
      places: [place.name: Executor.Place(platform: place, router: place)],
      assembly: LaunchAssembly(
        owner: "acme", key: try #require(IdentityKey(bytes: Array(repeating: 7, count: 32))),
        supply: NoSupply()),
      ledger: TwinLedger(), lease: nil, nudge: Nudge(),
      log: Logger(label: "executor", factory: { _ in SwiftLogNoOpLogHandler() }))
    let spec = StackSpec(
      workloadKind: "process", workload: .null, health: HealthGate(check: .command(["./check"])))
    let target = TargetID("web", "production")
    let order = LaunchOrder(
      stack: StackID(target, 1), source: "main",
      commit: CommitID(rawValue: String(repeating: "a", count: 40)), version: "1.0.0",
      platform: place.name, spec: spec, declaredDigest: spec.declaredDigest,
      stackDigest: spec.stackDigest([]), resolved: [], traffic: TrafficPolicy())
    await executor.begin([
      Assignment(
        target: target, actions: [.ensure(order)], platform: place.name, certificates: [:],
        sequence: 1, pass: 1)
    ])
    await executor.drain()
    let outcome = await executor.takeOutcomes()[target]?.first
    #expect(
      outcome?.result
        == .rejected(
          .platform, "the platform memory runs no commands: its health needs another check"))
    #expect(place.world.withLock { $0.stacks.isEmpty })
  }
}

private struct NoSupply: InputSupply {
  func artifacts(
    for inputs: [ResolvedInput], source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> [String: ArtifactFile] { [:] }

  func secrets(for inputs: [ResolvedInput]) async throws(PlatformError) -> [String: Secret] {
    [:]
  }
}
