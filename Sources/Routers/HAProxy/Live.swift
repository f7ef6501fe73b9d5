import Model

/// One target as one worker shows it.
struct WorkerView: Hashable, Sendable {
  var pid: Int
  var isCurrent: Bool
  var frontends: [Listener: FrontendRow] = [:]
  /// The public one.
  var frontend: FrontendRow? { frontends[.listen] }
  var slots: Set<Slot> = []
  var servers: [Slot: [ServerRow]] = [:]
  /// As `show map` shows it; nil: the worker has no map for the target. Most readings are those of the pass
  /// before, of which nobody needs the entries.
  var shownMap: String?
  var map: [String: String]? { shownMap.map(parseMap) }

  func server(_ slot: Slot, _ name: String) -> ServerRow? {
    servers[slot]?.first { $0.name == name }
  }
}

/// One target as files and all live workers show it, read in one go.
struct LiveTarget: Hashable, Sendable {
  var key: TargetKey
  /// The target's configuration file as it is on disk; nil: there is none.
  var configuration: String?
  var mapFile: String?
  /// The global file as it is on disk; nil: there is none.
  var globalFile: String?
  /// It is as it should be.
  var isGlobalFileIntact = true
  /// HAProxy cannot load the target's configuration now.
  var isRejected = false
  /// The current worker first.
  var workers: [WorkerView] = []
  var sessionsCut: [Generation: Int] = [:]
  /// What old workers of the loaded configuration allow connections.
  var hardStop: Duration = .zero

  var current: WorkerView? { workers.first { $0.isCurrent } }
  /// What the files say; nil when there are none, or damaged ones.
  var stored: StoredRoute? {
    guard let stored = configuration.flatMap(Rendering.stored(in:)), stored.key == key else {
      return nil
    }
    return stored
  }

  /// The sessions of one server over all workers.
  func sessions(_ slot: Slot, _ name: String) -> Int {
    workers.reduce(0) { $0 + ($1.server(slot, name)?.sessions ?? 0) }
  }

  /// All sessions in a slot, whoever put the server there.
  func sessions(_ slot: Slot) -> Int {
    workers.reduce(0) { sum, worker in
      sum + (worker.servers[slot] ?? []).reduce(0) { $0 + $1.sessions }
    }
  }

  func serversUp(_ slot: Slot) -> Int {
    (current?.servers[slot] ?? []).filter { $0.isUp && $0.weight > 0 }.count
  }

  /// What the current worker really does, in the form of the files. Fields that no worker knows
  /// come from the files.
  var running: StoredRoute? {
    guard let view = current ?? workers.first else { return nil }
    let mode = (view.frontend?.mode).flatMap(TrafficPolicy.Mode.init(rawValue:)) ?? stored?.mode
    var running = StoredRoute(
      empty: Route(
        target: key.target, mode: mode ?? .http,
        declaration: declaration(view) ?? stored?.declaration ?? .object([:])))
    if let stored {
      running.drainDeadline = stored.drainDeadline
      running.afterDrain = stored.afterDrain
    }
    let map = view.map ?? [:]
    running.entries = view.slots.sorted().compactMap { entry($0, view, map) }
    running.readPicks(map)
    let parts = stored?.reads ?? running.neededParts
    running.reads = parts.isEmpty ? nil : parts
    return running
  }

  /// Where the worker listens, in the words of the files where they mean the same; nil: nowhere.
  private func declaration(_ view: WorkerView) -> CanonicalValue? {
    var declaration: [String: CanonicalValue] = [:]
    for listener in Listener.allCases {
      guard let text = view.frontends[listener]?.addresses.first, let found = ListenAddress(text)
      else { continue }
      let old = stored?.address(listener).flatMap { $0.shown == found.shown ? $0 : nil }
      declaration[listener.rawValue] = .string("\(old ?? found)")
    }
    return declaration["listen"].map { _ in .object(declaration) }
  }

  private func entry(
    _ slot: Slot, _ view: WorkerView, _ map: [String: String]
  ) -> StoredRoute.Entry? {
    let names = (view.servers[slot] ?? []).compactMap { row -> (ServerName, ServerRow)? in
      ServerName(parsing: row.name, key).map { ($0, row) }
    }
    let first = names.first.map { ($0.0.generation, $0.0.launch) }
    guard let (generation, launch) = StoredRoute.occupant(of: slot, in: map) ?? first else {
      return nil
    }
    let endpoints = names.filter { $0.0.generation == generation && $0.0.launch == launch }.map {
      name, row in
      let colon = row.address.lastIndex(of: ":") ?? row.address.endIndex
      let host = row.address[..<colon].filter { $0 != "[" && $0 != "]" }
      let port = Int(row.address[colon...].dropFirst()) ?? name.port
      return Endpoint(instance: name.instance, host: host, port: port)
    }
    let backendName = key.backend(slot)
    let share = (0..<100).filter { map[String($0)] == backendName }.count
    let backend = Backend(
      generation: generation, launch: launch, endpoints: endpoints.sorted(), weightPercent: share,
      checkPath: slot.check == .http ? map[StoredRoute.pathKey(slot)] ?? "/" : nil)
    return StoredRoute.Entry(slot: slot, backend: backend)
  }
}

/// Whether a reading is the one before: 128 bits of keyed hashes in place of some ten kilobytes. The
/// keys are this process's own, so that nobody can make two readings look alike.
struct ReadingMark: Hashable, Sendable {
  private let halves: [Int]

  init(_ live: LiveTarget) {
    halves = [1, 2].map { salt in
      var hasher = Hasher()
      hasher.combine(salt)
      hasher.combine(live)
      return hasher.finalize()
    }
  }
}
