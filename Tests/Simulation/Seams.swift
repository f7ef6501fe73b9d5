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
    let simulation = simulation
    return try await simulation.call(.platform, by: life) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      let late = simulation.schedule.setup.listingMilliseconds
      return simulation.ground.listing(of: late == 0 ? 0 : simulation.below(late + 1))
    }
  }

  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }

  func ensure(_ launch: StackLaunch) async throws(PlatformError) {
    let (simulation, life, certificate) = (simulation, life, launch.certificate)
    simulation.oracle.asked(.ensure(certificate), by: life)
    try await simulation.call(.platform, by: life, isEffect: true) { () throws(PlatformError) in
      guard !simulation.isPlatformDown else { throw .transient("the platform does not answer") }
      simulation.oracle.happens(.ensure(certificate), by: life)
      try simulation.ground.ensure(certificate)
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
    let simulation = simulation
    return try await simulation.call(.platform, by: life) { () throws(PlatformError) in
      guard let stack = simulation.ground.stacks[certificate.stack] else {
        throw .transient("\(certificate.stack) is gone")
      }
      return stack.inspection
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
    let simulation = simulation
    return try await simulation.call(.router, by: life) { () throws(PlatformError) in
      guard !simulation.isRouterDown else { throw .transient("no router answers") }
      let mayBeLate = simulation.schedule.setup.propagationMilliseconds > 0
      return simulation.ground.observedRoutes(isLate: mayBeLate && simulation.below(4) > 0)
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
}

/// Health checks as one process makes them.
struct SimulatedProbe: HealthProbe {
  let simulation: Simulation
  let life: Life

  func failure(
    _ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration
  ) async -> String? {
    let simulation = simulation
    do throws(PlatformError) {
      return try await simulation.call(.probe, by: life) { () throws(PlatformError) in
        simulation.oracle.probe(endpoint)
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
    isEffect: Bool = false, _ body: @escaping @Sendable (Disk) -> Value
  ) async throws(LedgerError) -> Value {
    let (simulation, disk) = (simulation, simulation.disk)
    do throws(PlatformError) {
      return try await simulation.call(.ledger, by: life, isEffect: isEffect) {
        () throws(PlatformError) in
        guard !(isEffect && disk.isFull) else { throw .transient("no space left on device") }
        return body(disk)
      }
    } catch {
      throw .unavailable("\(error)")
    }
  }

  func load() async throws(LedgerError) -> LedgerContents {
    let (file, isNew) = try await call { disk in
      defer { disk.isNew = false }
      return (disk.ledger, disk.isNew)
    }
    do {
      return LedgerContents(
        isNew: isNew, lastSequence: file.sequence,
        records: try file.records.mapValues { try $0.text() },
        agentRecord: try file.agentRecord?.text(), fingerprints: file.fingerprints,
        outbox: file.alerts)
    } catch {
      throw .damaged("\(error)")
    }
  }

  func commit(_ write: LedgerWrite) async throws(LedgerError) -> Int {
    let simulation = simulation
    return try await call(isEffect: true) { disk in
      simulation.oracle.written(write)
      return disk.ledger.commit(write)
    }
  }

  func append(_ request: OperatorRequest) async throws(LedgerError) -> Int {
    try await call(isEffect: true) { $0.ledger.append(request) }
  }

  func requests(after sequence: Int) async throws(LedgerError) -> [OperatorRequest] {
    try await call { $0.ledger.requests.filter { $0.sequence > sequence } }
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
    let state = simulation.disk.lastGood[source]
    if let state { simulation.oracle.confirmed(state.commit) }
    return state
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
    try await simulation.call(.inputs, by: life) { () throws(PlatformError) in
      ArtifactFile(path: "/cache/\(reference.name)", sha256: Digest.of(reference.name))
    }
  }

  func cached(identity: String) async -> ArtifactFile? { nil }

  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String) {
    let simulation = simulation
    return try await simulation.call(.inputs, by: life) { () throws(PlatformError) in
      (Secret(Self.canary), "version-\(simulation.secretVersion)")
    }
  }
}

/// The repository as one process reaches it through its source worker.
struct SimulatedSource: SnapshotSource {
  let simulation: Simulation
  let life: Life
  let name: SourceName = "main"

  private func call<Value: Sendable>(
    isEffect: Bool = false, _ body: @escaping @Sendable (Simulation) -> Value
  ) async throws(SourceFailure) -> Value {
    let simulation = simulation
    do throws(PlatformError) {
      return try await simulation.call(.source, by: life, isEffect: isEffect) {
        () throws(PlatformError) in
        guard !simulation.isSourceDown else { throw .transient("timed out") }
        return body(simulation)
      }
    } catch {
      throw .unreachable("\(error)")
    }
  }

  func tip() async throws(SourceFailure) -> CommitID { try await call { $0.repository.visibleTip } }

  func load(accepted: CommitID?) async throws(SourceFailure) -> SnapshotVerdict {
    let name = name
    return try await call { $0.repository.verdict(since: accepted, source: name) }
  }

  func accept(_ state: DesiredState) async throws(SourceFailure) {
    let (name, commit) = (name, state.commit)
    try await call(isEffect: true) { simulation in
      simulation.oracle.confirmed(commit)
      simulation.disk.accepted[name] = commit
    }
  }

  func export(
    _ path: String, at commit: CommitID, to file: String
  ) async throws(SourceFailure) -> Digest {
    throw .notFound("artifacts are simulated whole")
  }
}

extension Repository {
  /// What the worker makes of the visible tip: the rules are those of `CommitJudge`.
  func verdict(since accepted: CommitID?, source: SourceName) -> SnapshotVerdict {
    let id = visibleTip
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
