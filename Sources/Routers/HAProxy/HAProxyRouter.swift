package import Model
package import PlatformKit

/// Routes through one HAProxy of its own. All truth lies in its workers and files: nothing is
/// remembered between calls but what waits for the next reload, and what the last reading meant.
package actor HAProxyRouter: TrafficRouter {
  package nonisolated let limits: RouterLimits
  package nonisolated let settings: HAProxySettings
  let rendering: Rendering
  let socket: MasterSocket
  let process: HAProxyProcess
  let reader: LiveReader
  /// Held for one bounded step, so that a reader never sees half of one.
  let lock = AsyncLock()
  /// Changes that wait for the next reload, to share it.
  var staged: [TargetKey: StagedChange] = [:]
  /// Targets of a reload that failed: each is tried alone, so that it fails alone.
  var suspects: Set<TargetKey> = []
  var lastReload: ContinuousClock.Instant?
  /// What was read of each target last, and what that says: the same means the same.
  private var meanings: [TargetKey: (mark: ReadingMark, route: RouteObservation?)] = [:]
  var isVersionChecked = false
  /// Every field of a route that `read` compares: `*` stands for one name.
  package static let fields = RouteField.allCases.map(\.path)

  private let interruption: (@Sendable (String) throws(PlatformError) -> Void)?

  /// Throws `.rejected` for a directory whose name HAProxy would not take literally.
  /// `interruption` is called at every point where the agent may die; what it throws ends the call
  /// there, as a death would.
  package init(
    _ settings: HAProxySettings,
    interruption: (@Sendable (String) throws(PlatformError) -> Void)? = nil
  ) throws(PlatformError) {
    self.interruption = interruption
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-".utf8)
    let user = settings.user ?? "nobody"
    guard settings.directory.hasPrefix("/"), settings.directory.utf8.count <= 80,
      (settings.directory + user).utf8.allSatisfy(allowed.contains), !user.contains("/")
    else {
      throw .rejected(
        fault: .platform,
        "the router's directory must be an absolute path of at most 80 bytes with only letters,"
          + " digits and /._- (its user likewise): \(settings.directory)")
    }
    guard (1...50).contains(settings.slots) else {
      throw .rejected(fault: .platform, "1 to 50 slots, not \(settings.slots)")
    }
    self.settings = settings
    limits = RouterLimits(
      stacksPerRoute: settings.slots, weightsAreExact: true, propagation: .zero)
    rendering = Rendering(settings: settings)
    socket = MasterSocket(path: settings.masterSocket)
    process = HAProxyProcess(settings: settings)
    reader = LiveReader(settings: settings, socket: socket)
  }

  package nonisolated func previewAddress(of route: Route) -> String? {
    ListenAddress(declaration: route.declaration, .preview).map { "http://\($0.local)" }
  }

  package func read() async throws(PlatformError) -> [TargetID: Observed<RouteObservation>] {
    try await locked { () async throws(PlatformError) in
      do throws(PlatformError) {
        try await self.ensureRunning()
        let world = try await self.reader.world()
        return try await self.observe(world)
      } catch {
        return try self.unknown(because: error)
      }
    }
  }

  package func apply(
    _ route: Route, ifRevision revision: String?
  ) async throws(PlatformError) {
    try checkRoute(route, slots: settings.slots)
    let key = TargetKey(route.target)
    let end = ContinuousClock.now + settings.upWait
    var work = Work(route: route, key: key, revision: .some(revision))
    while true {
      let patience = ContinuousClock.now < end
      let current = work
      let (next, outcome) = try await locked { () async throws(PlatformError) in
        try await self.advance(current, patience: patience)
      }
      work = next
      switch outcome {
      case .done: return
      case .reload:
        try await awaitReload(of: key)
      case .wait(let reason, let isLong):
        // Without patience, that is: there may be nothing left to do.
        guard patience, !isLong else { throw .waiting("route of \(route.target): \(reason)") }
        try await pause(.milliseconds(10))
      }
    }
  }

  package func remove(
    _ target: TargetID, ifRevision revision: String?
  ) async throws(PlatformError) {
    let key = TargetKey(target)
    let isThere = try await locked { () async throws(PlatformError) in
      try await self.ensureRunning()
      let world = try await self.reader.world()
      let live = try await self.reader.target(key, world)
      guard live.current?.frontend != nil || live.configuration != nil else {
        try Files.remove(self.settings.mapFile(key))
        try Files.remove(self.settings.counterFile(key))
        return false
      }
      try self.compare(revision, live)
      self.staged[key] = .remove
      return true
    }
    if isThere { try await awaitReload(of: key) }
  }

  /// Sessions of each stack that were cut at its drain deadline since the route exists.
  package func sessionsCut(_ target: TargetID) throws(PlatformError) -> [Generation: Int] {
    try Counters(path: settings.counterFile(TargetKey(target))).read()
  }

  private func observe(
    _ world: LiveReader.World
  ) async throws(PlatformError) -> [TargetID: Observed<RouteObservation>] {
    var routes: [TargetID: Observed<RouteObservation>] = [:]
    let last = meanings
    meanings = [:]
    let keys = Array(world.keys)
    // A worker that does not answer is everybody's trouble; a file is one target's.
    let maps = try await reader.maps(of: keys, world)
    for key in keys {
      let files: LiveTarget
      do throws(PlatformError) {
        files = try reader.files(key, world)
      } catch {
        routes[key.target] = .unknown(reason: "\(error)")
        continue
      }
      let live = reader.target(files, world, maps)
      let mark = ReadingMark(live)
      let known = last[key].flatMap { $0.mark == mark ? $0.route : nil }
      let route = known ?? Observation(live: live, rendering: rendering).route
      meanings[key] = (mark, route)
      if let route {
        routes[key.target] = .known(route)
      } else {
        routes[key.target] = .unknown(reason: "neither HAProxy nor its files know the route")
      }
    }
    return routes
  }

  /// Every target that has files, when no worker can be asked for certain.
  private func unknown(
    because error: PlatformError
  ) throws(PlatformError) -> [TargetID: Observed<RouteObservation>] {
    let keys = try Files.names(in: settings.configurationDirectory).compactMap { name in
      TargetKey(parsing: name.dropFirst(3).dropLast(4))
    }
    guard !keys.isEmpty else { throw error }
    return Dictionary(keys.map { ($0.target, .unknown(reason: "\(error)")) }) { first, _ in first }
  }

  func locked<Value: Sendable>(
    _ body: () async throws(PlatformError) -> Value
  ) async throws(PlatformError) -> Value {
    await lock.acquire()
    let result: Result<Value, PlatformError>
    do throws(PlatformError) {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    await lock.release()
    return try result.get()
  }

  func compare(_ revision: String?, _ live: LiveTarget) throws(PlatformError) {
    let found = live.configuration == nil && live.current?.frontend == nil ? nil : live.revision
    guard found == revision else {
      throw .conflict(
        "route of \(live.key.target): somebody changed it since it was read"
          + " (revision \(found ?? "none"), expected \(revision ?? "none"))")
    }
  }

  /// A point where the agent may die: what is done so far lies in HAProxy and files only.
  func point(_ name: String) throws(PlatformError) {
    failpoint(name)
    try interruption?(name)
  }
}
