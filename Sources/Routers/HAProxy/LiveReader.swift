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
          keys.formUnion(statistics.frontends.keys.compactMap(TargetKey.ofFrontend))
        }
        for (backend, rows) in statistics.servers where rows.contains(where: { $0.sessions > 0 }) {
          if let found = TargetKey.ofBackend(backend) { keys.insert(found.key) }
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
      let reply = try await ask("show stat -1 15 -1", pid) { $0.trimmedLine.isEmpty ? nil : $0 }
      guard let reply else {
        if pid == current { throw Self.endedMeanwhile }
        continue
      }
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
    target(try files(key, world), world, try await maps(of: [key], world))
  }

  /// The target with all that workers say of it.
  func target(_ files: LiveTarget, _ world: World, _ maps: [Int: Maps]) -> LiveTarget {
    var live = files
    let key = live.key
    for (pid, isCurrent, statistics) in world.statistics {
      guard let maps = maps[pid] else { continue }
      var view = WorkerView(pid: pid, isCurrent: isCurrent)
      for listener in Listener.allCases {
        view.frontends[listener] = statistics.frontends[key.frontend(listener)]
      }
      view.slots = Set(
        Slot.all(settings.slots).filter { statistics.backends.contains(key.backend($0)) })
      for slot in view.slots {
        if let rows = statistics.servers[key.backend(slot)] { view.servers[slot] = rows }
      }
      view.shownMap = maps[key]
      live.workers.append(view)
    }
    return live
  }

  // MARK: - Maps

  /// Of one worker, by target, as it shows them; what a worker has no map for is missing.
  typealias Maps = [TargetKey: String]

  /// By worker: one that has ended since it was listed is missing.
  func maps(of keys: [TargetKey], _ world: World) async throws(PlatformError) -> [Int: Maps] {
    var found: [Int: Maps] = [:]
    for (pid, isCurrent, statistics) in world.statistics {
      let known = keys.filter { statistics.frontends[$0.frontend] != nil }
      found[pid] = try await maps(of: known, pid)
      if isCurrent, found[pid] == nil { throw Self.endedMeanwhile }
    }
    return found
  }

  /// By somebody's reload: without it every route would look as if nothing were behind it.
  private static let endedMeanwhile = PlatformError.transient(
    "the current worker of HAProxy ended while it was read")

  /// Many in one exchange, each of which costs a connection. nil: the worker has ended.
  private func maps(of keys: [TargetKey], _ pid: Int) async throws(PlatformError) -> Maps? {
    var (maps, rest) = (Maps(), keys[...])
    while !rest.isEmpty {
      let part = rest.prefix(Self.mapsAtOnce)
      rest = rest.dropFirst(part.count)
      let commands = part.map { "show map \(settings.mapFile($0))" }
      let found = try await ask(commands.joined(separator: ";@!\(pid) "), pid) { reply in
        splitMaps(reply).flatMap { $0.count == part.count ? $0 : nil }
      }
      guard let found else { return nil }
      for (key, map) in zip(part, found) { maps[key] = map }
    }
    return maps
  }

  /// Who is in which slot of one worker, and what it has counted; nil: it has ended.
  func counts(
    of keys: [TargetKey], _ pid: Int
  ) async throws(PlatformError) -> (maps: Maps, table: BackendCounts)? {
    guard let maps = try await maps(of: keys, pid) else { return nil }
    let found = try await ask("show stat -1 3 -1", pid) { BackendCounts($0.trimmedLine) }
    guard var table = found else { return nil }
    for key in keys where table.hasPreview(key) {
      let next = try await ask("show table \(key.frontend)", pid) { reply in
        var next = table
        return next.addPublic(key, reply.trimmedLine) ? next : nil
      }
      guard let next else { return nil }
      table = next
    }
    return (maps, table)
  }

  /// With the longest paths a fifth of the 16 KiB that HAProxy takes in one go.
  private static let mapsAtOnce = 16

  /// What `read` makes of a worker's answer, nil if that is none; nil when the worker has ended meanwhile,
  /// which an old one may.
  private func ask<Answer>(
    _ command: String, _ pid: Int, _ read: (String) -> Answer?
  ) async throws(PlatformError) -> Answer? {
    var problem = PlatformError.transient("worker \(pid) of HAProxy gave no answer")
    var failures = 0
    // Again, because a master under load may close a connection before it is served, and because a
    // worker that is about to end is still listed; but a worker that hangs is asked only twice.
    for wait in [0, 20, 80, 320] where failures < 2 {
      try await pause(.milliseconds(wait))
      do {
        let reply = try await socket.ask(command, worker: pid)
        if !isUnknownWorker(reply), let answer = read(reply) { return answer }
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
