import Glibc
import Model
import PlatformKit

/// Reads files and every live worker in one go.
struct LiveReader: Sendable {
  let settings: HAProxySettings
  let socket: MasterSocket

  /// Everything that is the same for all targets.
  struct World: Sendable {
    var processes: ProcessList
    var statistics: [(pid: Int, isCurrent: Bool, Statistics)]
    var hardStop: Duration
    var globalFile: String?
    var isGlobalFileIntact: Bool
    /// Files of the router, by target.
    var files: Set<TargetKey>
    var rejected: Set<TargetKey>

    /// Targets that have files, a frontend, or sessions in an old worker.
    var keys: Set<TargetKey> {
      var keys = files.union(rejected)
      for (_, isCurrent, statistics) in statistics {
        if isCurrent {
          keys.formUnion(statistics.frontends.compactMap { TargetKey.ofFrontend($0.name) })
        }
        for row in statistics.servers where row.sessions > 0 {
          if let found = TargetKey.ofBackend(row.backend) { keys.insert(found.key) }
        }
      }
      return keys
    }
  }

  func processes() async throws(PlatformError) -> ProcessList {
    guard let list = ProcessList(try await socket.ask("show proc")) else {
      throw .transient("HAProxy's master did not list its workers")
    }
    return list
  }

  func world() async throws(PlatformError) -> World {
    let processes = try await processes()
    guard let current = processes.current else {
      throw .transient("HAProxy has no worker that accepts connections")
    }
    var statistics: [(pid: Int, isCurrent: Bool, Statistics)] = []
    for pid in [current] + processes.old {
      guard let reply = try await ask("show stat -1 15 -1", pid) else { continue }
      guard let table = Statistics(reply) else {
        throw .transient("worker \(pid) of HAProxy gave no complete statistics")
      }
      statistics.append((pid, pid == current, table))
    }
    let global = try Files.read(settings.globalFile)
    let hardStop = global.flatMap(Rendering.hardStop(in:))
    let rendering = Rendering(settings: settings)
    return World(
      processes: processes, statistics: statistics,
      hardStop: hardStop ?? settings.hardStopAfter, globalFile: global,
      isGlobalFileIntact: hardStop.map { rendering.global(hardStop: $0) == global } ?? false,
      files: try keys(in: settings.configurationDirectory),
      rejected: try keys(in: settings.rejectedDirectory))
  }

  /// The target as its files alone say; an error is about this target and no other.
  func files(_ key: TargetKey, _ world: World) throws(PlatformError) -> LiveTarget {
    var live = LiveTarget(key: key)
    live.isRejected = world.rejected.contains(key) && !world.files.contains(key)
    live.configuration = try Files.read(
      live.isRejected ? settings.rejectedFile(key) : settings.configurationFile(key))
    live.mapFile = try Files.read(settings.mapFile(key))
    live.globalFile = world.globalFile
    live.isGlobalFileIntact = world.isGlobalFileIntact
    live.hardStop = world.hardStop
    live.sessionsCut = try Counters(path: settings.counterFile(key)).read()
    return live
  }

  func target(_ key: TargetKey, _ world: World) async throws(PlatformError) -> LiveTarget {
    try await target(try files(key, world), world)
  }

  /// The target with all that workers say of it.
  func target(
    _ files: LiveTarget, _ world: World
  ) async throws(PlatformError) -> LiveTarget {
    var live = files
    let key = live.key
    for (pid, isCurrent, statistics) in world.statistics {
      var view = WorkerView(pid: pid, isCurrent: isCurrent)
      view.frontend = statistics.frontends.first { $0.name == key.frontend }
      let slots = Slot.all(settings.slots).filter {
        statistics.backends.contains(key.backend($0))
      }
      view.slots = Set(slots)
      let names = Dictionary(slots.map { (key.backend($0), $0) }) { first, _ in first }
      for row in statistics.servers {
        if let slot = names[row.backend] { view.servers[slot, default: []].append(row) }
      }
      if view.frontend != nil {
        guard let reply = try await ask("show map \(settings.mapFile(key))", pid) else { continue }
        view.map = parseMap(reply)
      }
      live.workers.append(view)
    }
    return live
  }

  /// The answer of a worker; nil when it has ended meanwhile, which an old one may.
  private func ask(_ command: String, _ pid: Int) async throws(PlatformError) -> String? {
    var problem = PlatformError.transient("worker \(pid) of HAProxy gave no answer")
    var failures = 0
    // Again, because a master under load may close a connection before it is served, and because a
    // worker that is about to end is still listed; but a worker that hangs is asked only twice.
    for wait in [0, 20, 80, 320] where failures < 2 {
      try await pause(.milliseconds(wait))
      do {
        let reply = try await socket.ask(command, worker: pid)
        if !reply.trimmedLine.isEmpty || command.hasPrefix("show map"), !isUnknownWorker(reply) {
          return reply
        }
      } catch {
        problem = error
        failures += 1
      }
      let processes = try await processes()
      if processes.current != pid, !processes.old.contains(pid) { return nil }
    }
    throw problem
  }

  private func isUnknownWorker(_ reply: String) -> Bool {
    reply.hasPrefix("Can't find the target")
  }

  private func keys(in directory: String) throws(PlatformError) -> Set<TargetKey> {
    Set(
      try Files.names(in: directory).compactMap { name in
        guard name.hasPrefix("10-"), name.hasSuffix(".cfg") else { return nil }
        return TargetKey(parsing: name.dropFirst(3).dropLast(4))
      })
  }
}
