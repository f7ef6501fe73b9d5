import Model
import PlatformKit

extension HAProxyRouter {
  /// What one call of `apply` carries from step to step.
  struct Work: Sendable {
    var route: Route
    var key: TargetKey
    /// Compared once, before the first step; nil afterwards.
    var revision: String??
    /// Servers whose sessions this call has cut and counted.
    var cut: Set<String> = []
  }

  enum Outcome: Sendable {
    case done
    case reload
    case wait(String, isLong: Bool)
  }

  /// Goes on until there is something to wait for. Called with the lock held.
  func advance(
    _ work: Work, patience: Bool
  ) async throws(PlatformError) -> (Work, Outcome) {
    try await ensureRunning()
    var work = work
    // Three stages, each at most one write and one convergence; more means that somebody else
    // undoes what we do.
    for _ in 0..<12 {
      let world = try await reader.world()
      let live = try await reader.target(work.key, world)
      if let revision = work.revision {
        try compare(revision, live)
        work.revision = nil
        staged[work.key] = nil
      }
      let at = RoutePlan.Circumstances(now: try BootTime.now(), patience: patience)
      switch RoutePlan.next(live, work.route, rendering, at) {
      case .done: return (work, .done)
      case .wait(let reason, let isLong): return (work, .wait(reason, isLong: isLong))
      case .reload(let stored):
        staged[work.key] = .put(stored)
        return (work, .reload)
      case .perform(let actions):
        for action in actions {
          do throws(PlatformError) {
            try await perform(action, &work)
          } catch {
            // An old worker may end at any time; there is nothing left to do in it.
            guard let pid = action.worker, try await hasEnded(pid) else { throw error }
          }
        }
      }
    }
    throw .transient(
      "route of \(work.route.target) does not settle: does somebody else change HAProxy?")
  }

  /// An old worker that is about to end answers nothing any more, but is still listed.
  private func hasEnded(_ pid: Int) async throws(PlatformError) -> Bool {
    for wait in [0, 20, 80, 320] {
      try await pause(.milliseconds(wait))
      let processes = try await reader.processes()
      if processes.current == pid { return false }
      if !processes.old.contains(pid) { return true }
    }
    return false
  }

  private func perform(_ action: Action, _ work: inout Work) async throws(PlatformError) {
    switch action {
    case .writeFiles(let stored):
      try point("haproxy.apply.before-files")
      try write(stored)
      try point("haproxy.apply.after-files")
    case .writeGlobalFile:
      let world = try await reader.world()
      try Files.write(rendering.global(hardStop: world.hardStop), settings.globalFile)
    case .run(let pid, let commands):
      for command in commands {
        try await socket.perform(command, worker: pid)
        try point("haproxy.apply.between-commands")
      }
    case .commitMap(let pid, let entries):
      try await commit(entries, settings.mapFile(work.key), pid)
    case .cut(let pid, let slot, let server, let generation, let sessions):
      // Cutting is not instant: a session is counted once.
      if work.cut.insert("\(pid) \(slot) \(server)").inserted {
        try Counters(path: settings.counterFile(work.key)).add(sessions, to: generation)
        try point("haproxy.apply.before-cut")
      }
      try await cut(server, work.key.backend(slot), pid)
      try await pause(.milliseconds(10))
    }
  }

  /// Session by session: a worker that a reload left behind refuses commands on its servers.
  private func cut(
    _ server: String, _ backend: String, _ pid: Int
  ) async throws(PlatformError) {
    let list = try await socket.ask("show sess", worker: pid)
    for pointer in sessionPointers(list, backend: backend, server: server) {
      // One that has ended by itself is no problem.
      _ = try await socket.ask("shutdown session \(pointer)", worker: pid)
    }
  }

  /// All entries at once: the old map serves until the commit.
  private func commit(
    _ entries: [String: String], _ map: String, _ pid: Int
  ) async throws(PlatformError) {
    let reply = try await socket.ask("prepare map \(map)", worker: pid)
    guard let version = reply.split(separator: ":").last.flatMap({ Int($0.trimmed) }) else {
      throw .transient("HAProxy did not prepare \(map): \(reply.trimmedLine.prefix(200))")
    }
    // HAProxy refuses an empty payload; the new version is empty without one.
    if !entries.isEmpty {
      try await socket.perform(
        Command(text: "add map @\(version) \(map) <<\n\(Rendering.map(entries))"), worker: pid)
    }
    try point("haproxy.apply.before-commit-map")
    try await socket.perform(Command(text: "commit map @\(version) \(map)"), worker: pid)
    try point("haproxy.apply.after-commit-map")
  }

  /// The map first: HAProxy cannot load a configuration whose map is missing.
  func write(_ stored: StoredRoute) throws(PlatformError) {
    guard let text = rendering.configuration(stored) else {
      throw .rejected(fault: .platform, "route of \(stored.target) cannot be written")
    }
    let map = settings.mapFile(stored.key)
    if try Files.read(map) == nil { try Files.write(Rendering.map(stored.map), map) }
    try Files.write(text, settings.configurationFile(stored.key))
    try point("haproxy.apply.between-files")
    try Files.write(Rendering.map(stored.map), map)
    try Files.remove(settings.rejectedFile(stored.key))
  }
}

extension Substring {
  var trimmed: String { String(self).trimmedLine }
}

extension BootTime {
  static func now() throws(PlatformError) -> BootTime {
    guard let id = try Files.read("/proc/sys/kernel/random/boot_id") else {
      throw .transient("the kernel gives no boot id")
    }
    let now = BootClock.milliseconds()
    return BootTime(bootID: id.trimmedLine, milliseconds: now)
  }
}
