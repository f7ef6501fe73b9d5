import Model
import PlatformKit

/// A platform and router that answer at once from memory, so that a pass's own cost is all that is
/// measured. Only for benchmarks: nothing fails, nothing is slow.
actor MemoryPlatform: Platform {
  nonisolated let name: PlatformName = "memory"
  nonisolated let identity = "memory"
  nonisolated let propagation = Duration.zero
  nonisolated let nameLimit = 128
  private var stacks: [StackID: StackObservation] = [:] { didSet { listing = nil } }
  /// Until something changes. A real platform makes another value of it each time; what that costs
  /// belongs to the platform.
  private var listing: LiveState?
  private(set) var listings = 0
  private(set) var launches = 0

  init(_ stacks: [StackObservation] = []) {
    self.stacks = Dictionary(stacks.map { ($0.id, $0) }) { first, _ in first }
  }

  var all: [StackObservation] { stacks.values.sorted { $0.id < $1.id } }

  func observe() async throws(PlatformError) -> LiveState {
    listings += 1
    if listing == nil { listing = LiveState(stacks: stacks.values.sorted { $0.id < $1.id }) }
    return listing ?? LiveState()
  }

  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }

  func ensure(_ launch: StackLaunch) async throws(PlatformError) {
    let certificate = launch.certificate
    guard stacks[certificate.stack] == nil else { return }
    launches += 1
    let count = certificate.spec.instances
    stacks[certificate.stack] = StackObservation(
      certificate: certificate, phase: .complete,
      capacity: Capacity(declared: count, intended: count, running: count),
      endpoints: (0..<count).map { Endpoint(instance: $0, host: "127.0.0.1", port: 1 + $0) })
  }

  func setInstances(
    _ count: Int, of certificate: BirthCertificate
  ) async throws(PlatformError) {
    stacks[certificate.stack]?.capacity.intended = count
    stacks[certificate.stack]?.capacity.running = count
  }

  func run(_ task: StackTask, of certificate: BirthCertificate) async throws(PlatformError) {
    throw .rejected(fault: .platform, "no tasks run here")
  }

  func retire(_ certificate: BirthCertificate) async throws(PlatformError) {
    stacks[certificate.stack] = nil
  }

  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection {
    let path = FieldPath("stack", "/argv")
    return Inspection(schema: 1, readings: [path: .value("web")], declared: [path: "web"])
  }

  func logs(
    _ certificate: BirthCertificate, lines: Int
  ) async throws(PlatformError) -> [LogLine] { [] }
}

actor MemoryRouter: TrafficRouter {
  nonisolated let limits = RouterLimits(
    stacksPerRoute: 5, weightsAreExact: true, propagation: .zero)
  private var routes: [TargetID: Observed<RouteObservation>] = [:]
  private(set) var writes = 0

  init(_ routes: [RouteObservation] = []) {
    self.routes = Dictionary(routes.map { ($0.route.target, .known($0)) }) { first, _ in first }
  }

  var all: [RouteObservation] { routes.values.compactMap(\.value) }

  func read() async throws(PlatformError) -> [TargetID: Observed<RouteObservation>] { routes }

  func apply(_ route: Route, ifRevision revision: String?) async throws(PlatformError) {
    writes += 1
    let up = route.backends.map { ($0.generation, $0.endpoints.count) }
    routes[route.target] = .known(
      RouteObservation(
        route: route, revision: "\(route.target) \(writes)",
        serversUp: Dictionary(up) { first, _ in first }))
  }

  func remove(_ target: TargetID, ifRevision revision: String?) async throws(PlatformError) {
    writes += 1
    routes[target] = nil
  }

  func uninstall() async throws(PlatformError) { routes = [:] }

  nonisolated func previewAddress(of route: Route) -> String? { nil }
}
