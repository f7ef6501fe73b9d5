import Model
import PlatformKit

/// A change that only a new configuration brings about.
enum StagedChange: Hashable, Sendable {
  case put(StoredRoute)
  case remove
}

extension HAProxyRouter {
  /// Waits a moment for others that want a reload too, then reloads with all of them.
  func awaitReload(of key: TargetKey) async throws(PlatformError) {
    try await pause(settings.coalescing)
    try await locked { () async throws(PlatformError) in
      guard self.staged[key] != nil else { return }
      let world = try await self.reader.world()
      if let wait = self.wait(world.processes) {
        throw .waiting("\(key.target): HAProxy reloads in \(wait.text)")
      }
      try await self.healFiles(world)
      let (changes, refused) = try await self.accept(world, key)
      if !changes.isEmpty { try await self.reload(changes, world) }
      if let refusal = refused[key] { throw refusal }
    }
  }

  /// HAProxy is about to load every file: what somebody changed by hand must not come alive, and
  /// a target whose file is gone must not vanish.
  private func healFiles(_ world: LiveReader.World) async throws(PlatformError) {
    for name in try Files.names(in: settings.configurationDirectory) {
      let isOurs = name.hasPrefix("10-") && TargetKey(parsing: name.dropFirst(3).dropLast(4)) != nil
      if name != "00-global.cfg", !isOurs { try setAside(name) }
    }
    for key in world.keys {
      let live = try await reader.target(key, world)
      guard live.current?.frontend != nil, let stored = live.stored ?? live.running,
        live.configuration != rendering.configuration(stored)
          || live.mapFile != Rendering.map(stored.map)
      else { continue }
      try write(stored)
    }
  }

  /// How long until the next reload may be; nil: now. A master that never reloaded may at once.
  private func wait(_ processes: ProcessList) -> Duration? {
    var waits: [Duration] = []
    if processes.reloads > 0 { waits.append(settings.reloadInterval - processes.uptime) }
    if let lastReload { waits.append(settings.reloadInterval - (.now - lastReload)) }
    guard let longest = waits.max(), longest > .zero else { return nil }
    return .milliseconds(max(1, longest.wholeMilliseconds))
  }

  /// The staged changes that HAProxy can load, and why it cannot load the others, which are
  /// dropped: their callers ask again.
  private func accept(
    _ world: LiveReader.World, _ asking: TargetKey
  ) async throws(PlatformError) -> (
    changes: [TargetKey: StagedChange], refused: [TargetKey: PlatformError]
  ) {
    var changes = staged
    if suspects.contains(asking) {
      changes = changes.filter { $0.key == asking }
    } else {
      changes = changes.filter { !suspects.contains($0.key) }
    }
    var refused: [TargetKey: PlatformError] = [:]
    for (key, problem) in try listenProblems(changes, world) {
      refused[key] = .rejected(fault: .platform, "\(key.target): \(problem)")
      changes[key] = nil
    }
    if let problem = try await candidateProblem(changes) {
      for key in changes.keys.sorted() {
        let alone = try await candidateProblem(changes.filter { $0.key == key })
        guard let alone else { continue }
        refused[key] = .rejected(
          fault: .platform, "\(key.target): HAProxy refuses the configuration: \(alone)")
        changes[key] = nil
      }
      if refused.isEmpty {
        throw .rejected(fault: .platform, "HAProxy refuses the configuration: \(problem)")
      }
    }
    for key in refused.keys { staged[key] = nil }
    return (changes, refused)
  }

  /// Addresses that are taken by another target, or by another program.
  private func listenProblems(
    _ changes: [TargetKey: StagedChange], _ world: LiveReader.World
  ) throws(PlatformError) -> [TargetKey: String] {
    var taken: [ListenAddress: TargetKey] = [:]
    for key in world.files.sorted() where changes[key] == nil {
      let text = try Files.read(settings.configurationFile(key)) ?? ""
      for address in Rendering.stored(in: text)?.addresses ?? [] { taken[address] = key }
    }
    let bound = Set(
      world.statistics.filter(\.isCurrent).flatMap { $0.2.frontends.values.flatMap(\.addresses) })
    var problems: [TargetKey: String] = [:]
    for key in changes.keys.sorted() {
      guard case .put(let stored) = changes[key] else { continue }
      for address in stored.addresses {
        if let other = taken.first(where: { $0.key.overlaps(address) })?.value {
          problems[key] = "\(address) belongs to \(other.target)"
        } else if !bound.contains(address.shown), let problem = bindProblem(address) {
          problems[key] = "cannot listen on \(address): \(problem)"
        }
      }
      guard problems[key] == nil else { continue }
      for address in stored.addresses { taken[address] = key }
    }
    return problems
  }

  /// What HAProxy says of the configuration with the changes, in a directory of its own.
  private func candidateProblem(
    _ changes: [TargetKey: StagedChange]
  ) async throws(PlatformError) -> String? {
    let directory = settings.candidateDirectory
    for name in try Files.names(in: directory) { try Files.remove("\(directory)/\(name)") }
    for name in try Files.names(in: settings.configurationDirectory) where name.hasSuffix(".cfg") {
      let text = try Files.read("\(settings.configurationDirectory)/\(name)") ?? ""
      try Files.write(text, "\(directory)/\(name)")
    }
    for (key, change) in changes {
      let path = "\(directory)/10-\(key).cfg"
      switch change {
      case .remove: try Files.remove(path)
      case .put(let stored):
        guard let text = rendering.configuration(stored) else { return "cannot be written" }
        let map = settings.mapFile(key)
        if try Files.read(map) == nil { try Files.write(Rendering.map(stored.map), map) }
        try Files.write(text, path)
      }
    }
    return try await process.check(directory)
  }

  private func reload(
    _ changes: [TargetKey: StagedChange], _ world: LiveReader.World
  ) async throws(PlatformError) {
    guard let pid = world.processes.current else { throw .transient("HAProxy has no worker") }
    // What HAProxy knows of its servers' health survives: no dead server gets requests again.
    let state = try await socket.ask("show servers state", worker: pid)
    try Files.write(state, settings.stateFile)
    var before: [(path: String, text: String?)] = []
    for (key, change) in changes {
      let path = settings.configurationFile(key)
      before.append((path, try Files.read(path)))
      switch change {
      case .put(let stored): try write(stored)
      case .remove:
        try Files.remove(path)
        try Files.remove(settings.rejectedFile(key))
      }
    }
    before.append((settings.globalFile, try Files.read(settings.globalFile)))
    try Files.write(rendering.global(hardStop: try longestDrain()), settings.globalFile)
    try point("haproxy.reload.before")
    lastReload = .now
    do throws(PlatformError) {
      _ = try? await socket.ask("reload")
      try await awaitWorker(otherThan: pid, world.processes)
    } catch {
      for (path, text) in before {
        if let text { try Files.write(text, path) } else { try Files.remove(path) }
      }
      suspects.formUnion(changes.keys)
      let names = changes.keys.sorted().map { "\($0.target)" }.joined(separator: ", ")
      throw .transient("\(error) (changed: \(names)); each is tried alone from now on")
    }
    try Files.remove(settings.stateFile)
    try point("haproxy.reload.after")
    suspects.subtract(changes.keys)
    for (key, change) in changes {
      staged[key] = nil
      guard change == .remove else { continue }
      try Files.remove(settings.mapFile(key))
      try Files.remove(settings.counterFile(key))
    }
  }

  /// No old worker may end a connection before the longest drain is over.
  private func longestDrain() throws(PlatformError) -> Duration {
    var longest = settings.hardStopAfter
    for name in try Files.names(in: settings.configurationDirectory) {
      let text = try Files.read("\(settings.configurationDirectory)/\(name)") ?? ""
      guard let drain = Rendering.stored(in: text)?.drainDeadline else { continue }
      longest = max(longest, drain + .seconds(1))
    }
    return longest
  }

  /// A reload is through when another worker answers; the old one serves until then.
  private func awaitWorker(
    otherThan old: Int, _ before: ProcessList
  ) async throws(PlatformError) {
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
      // The master's socket is closed while it starts itself again.
      if let list = try? await reader.processes() {
        if let pid = list.current, pid != old,
          let reply = try? await socket.ask("show info", worker: pid), reply.contains("Pid: \(pid)")
        {
          return
        }
        if list.failed > 0, list.reloads > before.reloads {
          throw .transient("HAProxy could not load its new configuration, the old one serves")
        }
      }
      try await pause(.milliseconds(10))
    }
    throw .transient("HAProxy's new worker did not come up within 20 s, the old one serves")
  }
}

extension ListenAddress {
  /// Whether connections to one could reach the other.
  func overlaps(_ other: ListenAddress) -> Bool {
    guard port == other.port else { return false }
    let anyV4 = ["*", "0.0.0.0"]
    let isV6 = host.contains(":")
    guard isV6 == other.host.contains(":") else { return false }
    return host == other.host || host == "::" || other.host == "::"
      || anyV4.contains(host) || anyV4.contains(other.host)
  }
}
