import LedgerKit
import Model
import Planning
import PlatformKit
import Synchronization

/// A platform and its router in memory, which do at once what they are told, and what tests do to
/// them behind the agent's back.
final class TwinPlace: Platform, TrafficRouter {
  struct World {
    var stacks: [StackID: StackObservation] = [:]
    var routes: [TargetID: Observed<RouteObservation>] = [:]
    var drifted: Set<StackID> = []
    var unknown: String?
    var writes = 0
    /// An inspection ends only between two passes: never within the one that began it, by chance.
    var isPassing = false
  }

  let name: PlatformName = "memory"
  let identity = "memory"
  let nameLimit = 128
  let limits = RouterLimits(stacksPerRoute: 5, weightsAreExact: true, propagation: .zero)
  let propagation = Duration.zero
  let world = Mutex(World())

  func observe() async throws(PlatformError) -> LiveState {
    let (stacks, unknown) = world.withLock { ($0.stacks, $0.unknown) }
    if let unknown { throw .transient(unknown) }
    return LiveState(stacks: stacks.values.sorted { $0.id < $1.id })
  }

  func previewAddress(of route: Route) -> String? { nil }

  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }

  func ensure(_ launch: StackLaunch) async throws(PlatformError) {
    let count = launch.certificate.spec.instances
    world.withLock { world in
      guard world.stacks[launch.certificate.stack] == nil else { return }
      world.stacks[launch.certificate.stack] = StackObservation(
        certificate: launch.certificate, phase: .complete,
        capacity: Capacity(declared: count, intended: count, running: count),
        endpoints: (0..<count).map { Endpoint(instance: $0, host: "127.0.0.1", port: 1 + $0) })
    }
  }

  func setInstances(_ count: Int, of certificate: BirthCertificate) async throws(PlatformError) {
    world.withLock { world in
      world.stacks[certificate.stack]?.capacity.intended = count
      world.stacks[certificate.stack]?.capacity.running = count
    }
  }

  func run(_ task: StackTask, of certificate: BirthCertificate) async throws(PlatformError) {
    throw .rejected(fault: .platform, "no tasks run here")
  }

  func retire(_ certificate: BirthCertificate) async throws(PlatformError) {
    world.withLock { $0.stacks[certificate.stack] = nil }
  }

  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection {
    while world.withLock({ $0.isPassing }) { await Task.yield() }
    let isDrifted = world.withLock { $0.drifted.contains(certificate.stack) }
    let path = FieldPath("stack", "/argv")
    return Inspection(
      schema: 1, readings: [path: .value(isDrifted ? "evil" : "web")], declared: [path: "web"])
  }

  func logs(
    _ certificate: BirthCertificate, lines: Int
  ) async throws(PlatformError) -> [LogLine] { [] }

  // MARK: - Router

  func read() async throws(PlatformError) -> [TargetID: Observed<RouteObservation>] {
    world.withLock { $0.routes }
  }

  func apply(_ route: Route, ifRevision revision: String?) async throws(PlatformError) {
    world.withLock { world in
      world.writes += 1
      let up = route.backends.map { ($0.generation, $0.endpoints.count) }
      world.routes[route.target] = .known(
        RouteObservation(
          route: route, revision: "\(world.writes)",
          serversUp: Dictionary(up) { first, _ in first }))
    }
  }

  func remove(_ target: TargetID, ifRevision revision: String?) async throws(PlatformError) {
    world.withLock { $0.routes[target] = nil }
  }

  func uninstall() async throws(PlatformError) {}
}

/// Keeps what each pass wrote, and fails when it is told to.
actor TwinLedger: Ledger {
  private(set) var writes: [LedgerWrite] = []
  private var sequence = 0
  private var asked: [OperatorRequest] = []
  var isFull = false

  func fill(_ isFull: Bool) { self.isFull = isFull }

  func takeWrites() -> [LedgerWrite] {
    defer { writes = [] }
    return writes
  }

  func load() async throws(LedgerError) -> LedgerContents {
    LedgerContents(isNew: false, lastSequence: 0)
  }

  func commit(_ write: LedgerWrite) async throws(LedgerError) -> Int {
    if isFull { throw .unavailable("disk full") }
    sequence += write.entries.count
    writes.append(write)
    return sequence
  }

  func append(_ request: OperatorRequest) async throws(LedgerError) -> Int {
    sequence += 1
    var request = request
    request.sequence = sequence
    asked.append(request)
    return sequence
  }

  func requests(after sequence: Int) async throws(LedgerError) -> [OperatorRequest] {
    asked.filter { $0.sequence > sequence }
  }

  func history(_ query: HistoryQuery) async throws(LedgerError) -> [LedgerEntry] { [] }
  func statuses() async throws(LedgerError) -> [TargetStatus] { [] }
  func verify() async throws(LedgerError) -> ChainReport { ChainReport(entries: 0, checkpoints: 0) }
  func prune(olderThan wall: WallTime, keep: Int) async throws(LedgerError) -> Int { 0 }
  func backup(to path: String) async throws(LedgerError) {}
}
