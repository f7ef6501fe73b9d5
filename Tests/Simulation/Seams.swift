import Agent
import LedgerKit
import Logging
import Model
import Planning
import PlatformKit

/// The platform as one process of the agent reaches it.
struct SimulatedPlatform: Platform {
  let simulation: Simulation
  let life: Life
  let name: PlatformName = "simulated"
  let identity = "host-1"
  let nameLimit = 60
  var propagation: Duration { .milliseconds(simulation.schedule.setup.listingMilliseconds) }

  func observe() async throws(PlatformError) -> LiveState {
    let (simulation, life) = (simulation, life)
    return try await simulation.call(.platform, by: life) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      let late = simulation.schedule.setup.listingMilliseconds
      return try simulation.read(
        .listing, { $0.listing }, by: life,
        simulation.ground.listing(of: late == 0 ? 0 : simulation.below(late + 1)))
    }
  }

  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }

  func ensure(_ launch: StackLaunch) async throws(PlatformError) {
    let (simulation, life, certificate) = (simulation, life, launch.certificate)
    simulation.oracle.asked(.ensure(certificate), by: life)
    try await simulation.call(.platform, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      simulation.oracle.happens(.ensure(certificate), by: life)
      simulation.oracle.judgeStart(of: certificate, launch.instances)
      try simulation.ground.ensure(certificate, first: launch.instances)
    }
  }

  func setInstances(
    _ count: Int, of certificate: BirthCertificate
  ) async throws(PlatformError) {
    let (simulation, life) = (simulation, life)
    simulation.oracle.asked(.setInstances(certificate, count), by: life)
    try await simulation.call(.platform, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      simulation.oracle.happens(.setInstances(certificate, count), by: life)
      try simulation.ground.setInstances(count, of: certificate)
    }
  }

  func run(_ task: StackTask, of certificate: BirthCertificate) async throws(PlatformError) {
    let (simulation, life) = (simulation, life)
    simulation.oracle.asked(.run(task, certificate), by: life)
    try await simulation.call(.platform, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      simulation.oracle.happens(.run(task, certificate), by: life)
      try simulation.ground.run(task, of: certificate)
    }
  }

  func retire(_ certificate: BirthCertificate) async throws(PlatformError) {
    let (simulation, life) = (simulation, life)
    simulation.oracle.asked(.retire(certificate), by: life)
    try await simulation.call(.platform, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      simulation.oracle.happens(.retire(certificate), by: life)
      try simulation.ground.retire(certificate)
    }
  }

  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection {
    let (simulation, life, stack) = (simulation, life, certificate.stack)
    return try await simulation.call(.platform, by: life) { () throws(PlatformError) in
      let found = simulation.ground.stacks[stack]
      let inspections = try simulation.read(
        .inspection, { $0.inspections }, by: life, found.map { [stack: $0.inspection] } ?? [:])
      guard let inspection = inspections[stack] else { throw .transient("\(stack) is gone") }
      return inspection
    }
  }

  func logs(_ certificate: BirthCertificate, lines: Int) async throws(PlatformError) -> [LogLine] {
    []
  }
}

/// The router as one process of the agent reaches it.
struct SimulatedRouter: TrafficRouter {
  let simulation: Simulation
  let life: Life
  var limits: RouterLimits {
    RouterLimits(
      stacksPerRoute: 5, weightsAreExact: true,
      propagation: .milliseconds(simulation.schedule.setup.propagationMilliseconds))
  }

  func read() async throws(PlatformError) -> [TargetID: Observed<RouteObservation>] {
    let (simulation, life) = (simulation, life)
    return try await simulation.call(.router, by: life) { () throws(PlatformError) in
      guard !simulation.isRouterDown else { throw .transient("no router answers") }
      let mayBeLate = simulation.schedule.setup.propagationMilliseconds > 0
      return try simulation.read(
        .routes, { $0.routes }, by: life,
        simulation.ground.observedRoutes(isLate: mayBeLate && simulation.below(4) > 0))
    }
  }

  func apply(_ route: Route, ifRevision revision: String?) async throws(PlatformError) {
    let (simulation, life) = (simulation, life)
    simulation.oracle.asked(.route(route), by: life)
    try await simulation.call(.router, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isRouterDown else { throw .transient("no router answers") }
      try simulation.ground.check(route.target, revision)
      simulation.oracle.happens(.route(route), by: life)
      simulation.ground.write(route)
    }
  }

  func remove(_ target: TargetID, ifRevision revision: String?) async throws(PlatformError) {
    let (simulation, life) = (simulation, life)
    simulation.oracle.asked(.removeRoute(target), by: life)
    try await simulation.call(.router, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isRouterDown else { throw .transient("no router answers") }
      try simulation.ground.check(target, revision)
      simulation.oracle.happens(.removeRoute(target), by: life)
      simulation.ground.loseRoute(target)
    }
  }

  func uninstall() async throws(PlatformError) {}

  func previewAddress(of route: Route) -> String? {
    // What stands in for an address: a test is made of the target's own preview.
    route.declaration["preview"] == nil ? nil : "\(route.target)"
  }
}

extension SimulatedRouter: TestCaller {
  func call(_ test: TestDeclaration, at address: String, limit: Duration) async -> TestResult {
    let simulation = simulation
    do throws(PlatformError) {
      return try await simulation.call(.router, by: life) { () throws(PlatformError) in
        guard !simulation.isRouterDown else { throw .transient("no router answers") }
        return simulation.ground.test(address)
      }
    } catch {
      return TestResult(.unanswered, "\(error)")
    }
  }
}

extension SimulatedRouter: RequestCounter {
  func counts(
    of targets: Set<TargetID>
  ) async throws(PlatformError) -> [TargetID: [Generation: [String: RequestCounts]]] {
    let simulation = simulation
    return try await simulation.call(.router, by: life) { () throws(PlatformError) in
      guard !simulation.isRouterDown else { throw .transient("no router answers") }
      return simulation.ground.counts(of: targets)
    }
  }
}

/// Health checks as one process makes them.
struct SimulatedProbe: HealthProbe {
  let simulation: Simulation
  let life: Life

  func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? {
    let (simulation, life) = (simulation, life)
    do throws(PlatformError) {
      return try await simulation.call(.probe, by: life) { () throws(PlatformError) in
        try simulation.read(.probe, by: life)
        return simulation.oracle.probe(endpoint)
      }
    } catch {
      return "\(error)"
    }
  }
}

struct SimulatedLedger: Ledger {
  let simulation: Simulation
  let life: Life

  private func call<Value: Sendable>(
    isEffect: Bool = false, _ body: @escaping @Sendable (Disk) throws(PlatformError) -> Value
  ) async throws(LedgerError) -> Value {
    let (simulation, disk) = (simulation, simulation.disk)
    do throws(PlatformError) {
      return try await simulation.call(.ledger, by: life, isEffect: isEffect) {
        () throws(PlatformError) in
        guard !(isEffect && disk.isFull) else { throw .transient("no space left on device") }
        return try body(disk)
      }
    } catch {
      throw .unavailable("\(error)")
    }
  }

  func load() async throws(LedgerError) -> LedgerContents {
    let (simulation, life) = (simulation, life)
    let (file, isNew, isOlder) = try await call { disk throws(PlatformError) in
      let file = try simulation.read(.ledger, { $0.ledger }, by: life, disk.ledger)
      defer { disk.isNew = false }
      return (file, disk.isNew, disk.isMarkBeyond(file))
    }
    do {
      var contents = LedgerContents(
        isNew: isNew, lastSequence: file.sequence,
        records: try file.records.mapValues { try $0.text() },
        agentRecord: try file.agentRecord?.text(), fingerprints: file.fingerprints,
        outbox: file.alerts)
      contents.isOlder = isOlder
      return contents
    } catch {
      throw .damaged("\(error)")
    }
  }

  func commit(_ write: LedgerWrite) async throws(LedgerError) -> Int {
    let simulation = simulation
    return try await call(isEffect: true) { disk in
      simulation.oracle.written(write)
      return disk.commit(write)
    }
  }

  func append(_ request: OperatorRequest) async throws(LedgerError) -> Int {
    try await call(isEffect: true) { $0.append(request) }
  }

  func requests(after sequence: Int) async throws(LedgerError) -> [OperatorRequest] {
    let (simulation, life) = (simulation, life)
    return try await call { disk throws(PlatformError) in
      let requests = try simulation.read(
        .requests, { $0.ledger.requests }, by: life, disk.ledger.requests)
      return requests.filter { $0.sequence > sequence }
    }
  }

  func history(_ query: HistoryQuery) async throws(LedgerError) -> [LedgerEntry] { [] }

  func statuses() async throws(LedgerError) -> [TargetStatus] {
    try await call { $0.ledger.statuses.values.sorted { $0.target < $1.target } }
  }

  func verify() async throws(LedgerError) -> ChainReport { ChainReport(entries: 0, checkpoints: 0) }
  func prune(olderThan wall: WallTime, keep: Int) async throws(LedgerError) -> Int { 0 }
  func backup(to path: String) async throws(LedgerError) {}
}

struct SimulatedLease: WriterLease {
  let disk: Disk
  let life: Life
  let file: Int
  var isHeld: Bool { life.isAlive && disk.holdsLease(life, file: file) }
}

extension Disk: @unchecked Sendable {}

struct SimulatedLastGood: LastGood {
  let simulation: Simulation
  let life: Life

  func load(_ source: SourceName) -> DesiredState? {
    simulation.disk.lastGood[source]
  }

  func save(_ state: DesiredState) throws(AgentError) {
    guard life.isAlive, !simulation.disk.isFull else {
      throw .startup("cannot keep the last good state: no space left on device")
    }
    // From here on it is what the agent goes by, whatever becomes of the process.
    simulation.oracle.accepted(state.commit)
    simulation.disk.lastGood[state.source] = state
  }
}

/// Artifacts and secrets: what a name stands for never changes, but for secrets that somebody rotates.
struct SimulatedInputs: ArtifactFetcher, SecretReader {
  let simulation: Simulation
  let life: Life
  /// Whoever finds this anywhere but in a stack's own file has found a leak (S23).
  static let canary = "canary-7f3a"

  func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile {
    let (simulation, life) = (simulation, life)
    return try await simulation.call(.inputs, by: life) { () throws(PlatformError) in
      try simulation.read(.artifact, by: life)
      return ArtifactFile(path: "/cache/\(reference.name)", sha256: Digest.of(reference.name))
    }
  }

  func cached(identity: String) async -> ArtifactFile? { nil }

  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String) {
    let (simulation, life) = (simulation, life)
    return try await simulation.call(.inputs, by: life) { () throws(PlatformError) in
      let version = try simulation.read(
        .secret, { $0.secretVersion }, by: life, simulation.secretVersion)
      return (Secret(Self.canary), "version-\(version)")
    }
  }
}

/// The repository as one process reaches it through its source worker.
struct SimulatedSource: SnapshotSource {
  let simulation: Simulation
  let life: Life
  let name: SourceName = "main"

  private func call<Value: Sendable>(
    isEffect: Bool = false, _ body: @escaping @Sendable (Simulation) throws(PlatformError) -> Value
  ) async throws(SourceFailure) -> Value {
    let simulation = simulation
    do throws(PlatformError) {
      return try await simulation.call(.source, by: life, isEffect: isEffect) {
        () throws(PlatformError) in
        guard !simulation.isSourceDown else { throw .transient("timed out") }
        return try body(simulation)
      }
    } catch {
      throw .unreachable("\(error)")
    }
  }

  func tip() async throws(SourceFailure) -> CommitID {
    let life = life
    return try await call { simulation throws(PlatformError) in
      try simulation.read(.source, { $0.tip }, by: life, simulation.repository.visibleTip)
    }
  }

  func load(accepted: CommitID?) async throws(SourceFailure) -> SnapshotVerdict {
    let (life, name) = (life, name)
    return try await call { simulation throws(PlatformError) in
      let tip = try simulation.read(.source, { $0.tip }, by: life, simulation.repository.visibleTip)
      return simulation.repository.verdict(on: tip, since: accepted, source: name)
    }
  }

  /// Only a lost last good state would need what the worker takes note of, and it is never lost here.
  func accept(_ state: DesiredState) async throws(SourceFailure) {
    try await call(isEffect: true) { _ in }
  }

  func export(
    _ path: String, at commit: CommitID, to file: String
  ) async throws(SourceFailure) -> Digest {
    throw .notFound("artifacts are simulated whole")
  }
}

extension Repository {
  /// What the worker makes of a tip: the rules are those of `CommitJudge`.
  func verdict(
    on id: CommitID, since accepted: CommitID?, source: SourceName
  ) -> SnapshotVerdict {
    guard let commit = commits[id] else { return .rejected(id, reason: "no such commit") }
    if let accepted, !descends(id, from: accepted) {
      return .held(id, reason: "\(id) does not descend from the accepted \(accepted)")
    }
    guard !commit.tree.isEmpty else { return .held(id, reason: "\(id) has no YAML file") }
    let targets = commit.tree.values.filter { !commit.broken.contains($0.target) }
      .map { $0.desired(source: source, commit: id) }
    var state = DesiredState(
      source: source, commit: id, targets: targets.sorted { $0.id < $1.id },
      broken: commit.broken.filter { commit.tree[$0] != nil }.sorted())
    if !commit.broken.isEmpty {
      state.diagnostics = [
        Diagnostic(severity: .error, file: "web.yaml", line: 1, column: 1, message: "unknown key")
      ]
    }
    return .accepted(state)
  }
}

/// Errors that the agent logs as critical are violations: it says so itself.
struct CriticalLog: LogHandler {
  let simulation: Simulation
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.critical

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    guard event.level >= .critical else { return }
    simulation.oracle.report("plan", "\(event.message): \(event.metadata ?? [:])")
  }
}
