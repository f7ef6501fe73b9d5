import Model

/// Where live and files differ from what is stored: the same comparison yields the findings that
/// people see and the actions that put it right.
struct Convergence: Sendable {
  private(set) var findings: [Finding] = []
  private(set) var actions: [Action] = []
  /// Something that only a new configuration can put right.
  private(set) var needsReload = false

  private let live: LiveTarget
  private let stored: StoredRoute
  private let rendering: Rendering
  private let resource: String

  init(of live: LiveTarget, to stored: StoredRoute, _ rendering: Rendering) {
    (self.live, self.stored, self.rendering) = (live, stored, rendering)
    resource = "route \(stored.target)"
    compareFiles()
    compareListeners()
    guard !needsReload, let current = live.current else { return }
    comparePaths(current)
    for slot in Slot.all(rendering.settings.slots) { compare(slot, current) }
    for worker in live.workers { compareMap(worker) }
    for slot in Slot.all(rendering.settings.slots) { removeStrangers(slot, current) }
    for worker in live.workers where !worker.isCurrent { findLeaving(worker) }
  }

  private mutating func compareFiles() {
    let file = rendering.settings.configurationFile(stored.key)
    var isIntact = true
    let configuration = rendering.configuration(stored)
    if live.configuration != configuration {
      isIntact = false
      find(file, configuration, live.configuration)
    }
    let map = Rendering.map(stored.map)
    if live.mapFile != map {
      isIntact = false
      find(rendering.settings.mapFile(stored.key), map, live.mapFile)
    }
    if !isIntact { actions.append(.writeFiles(stored)) }
    if !live.isGlobalFileIntact {
      find(
        rendering.settings.globalFile, rendering.global(hardStop: live.hardStop), live.globalFile)
      actions.append(.writeGlobalFile)
    }
  }

  /// Whole files are too much for a finding: their digests tell them apart.
  private mutating func find(_ file: String, _ expected: String?, _ content: String?) {
    func short(_ text: String) -> String { "sha256:\(Digest.of(text).short)…" }
    let name = String(file.split(separator: "/").last ?? "")
    add(
      content == nil ? .deleted : .modified, .file(name), expected.map(short), content.map(short))
  }

  private mutating func compareListeners() {
    let current = live.current
    let isWhole =
      current?.map != nil
      && current?.slots.isSuperset(of: Slot.all(rendering.settings.slots)) == true
    compare(.listen, current, isWhole: isWhole)
    // There need not be a preview.
    guard stored.address(.preview) != nil || current?.frontends[.preview] != nil else { return }
    compare(.preview, current, isWhole: true)
  }

  private mutating func compare(
    _ listener: Listener, _ current: WorkerView?, isWhole: Bool
  ) {
    let address = stored.address(listener).map(\.shown)
    let mark = listener == .listen ? stored.readsMark : nil
    let row = current?.frontends[listener]
    guard isWhole, let current, let row, row.mode == stored.mode.rawValue,
      row.addresses.map(Optional.some) == [address], row.readsMark == mark, row.status != "STOP"
    else {
      needsReload = true
      let expected = address.map { Self.listener(stored.mode.rawValue, $0, "OPEN", mark) }
      let actual = row.map {
        Self.listener($0.mode, $0.addresses.joined(separator: ","), $0.status, $0.readsMark)
      }
      let word: Finding.Word = actual == nil ? .deleted : expected == nil ? .added : .modified
      add(word, .listener(listener), expected, actual)
      return
    }
    let frontend = stored.key.frontend(listener)
    if row.status != "OPEN" {
      add(.modified, .listenerStatus(listener), "OPEN", row.status)
      actions.append(.run(pid: current.pid, [Command(text: "enable frontend \(frontend)")]))
    }
    let maxconn = rendering.settings.maximumConnections
    if row.maxconn != maxconn {
      add(.modified, .listenerMaxconn(listener), "\(maxconn)", "\(row.maxconn)")
      let command = "set maxconn frontend \(frontend) \(maxconn)"
      actions.append(.run(pid: current.pid, [Command(text: command)]))
    }
  }

  private static func listener(
    _ mode: String, _ address: String, _ status: String, _ mark: String?
  ) -> String {
    [mode, address, status, mark].compactMap { $0 }.joined(separator: " ")
  }

  private mutating func compare(_ slot: Slot, _ current: WorkerView) {
    let commands = ServerCommands(key: stored.key, slot: slot)
    guard let backend = stored.entry(slot)?.backend else { return }
    for endpoint in backend.endpoints {
      let name = ServerName(backend, endpoint).text(stored.key)
      let server = "\(slot)/\(name)"
      let address = Rendering.address(endpoint)
      var repair: [Command] = []
      if let row = current.server(slot, name) {
        if row.address != address {
          add(.modified, .address(server), address, row.address)
          repair.append(commands.move(name, to: endpoint))
        }
        if row.isUnchecked {
          add(.modified, .check(server), "enabled", "disabled")
          repair.append(commands.enableHealth(name))
        }
        if row.maxconn != 0 {
          add(.modified, .maxconn(server), "0", "\(row.maxconn)")
          repair.append(commands.unlimit(name))
        }
        repair += admin(row, server, commands)
      } else {
        add(.deleted, .server(server), address, nil)
        repair = commands.add(name, rendering.serverLine(endpoint))
      }
      if !repair.isEmpty { actions.append(.run(pid: current.pid, repair)) }
    }
  }

  private mutating func admin(
    _ row: ServerRow, _ server: String, _ commands: ServerCommands
  ) -> [Command] {
    if row.isInMaintenance {
      add(.modified, .state(server), "ready", row.status)
      return commands.prove(row.name)
    }
    if row.weight != 1 {
      // A weight of 0 also shows as draining; both are undone, in either order.
      add(.modified, .weight(server), "1", "\(row.weight) \(row.status)")
      return [commands.weigh(row.name), commands.ready(row.name)]
    }
    guard row.isDraining else { return [] }
    add(.modified, .state(server), "ready", row.status)
    return row.checkStatus.hasSuffix("OK") ? [commands.ready(row.name)] : commands.prove(row.name)
  }

  /// What a server is checked by stands in the map, and has to be there before it is added: HAProxy would
  /// check it by another path, and take an answer to that for its health. The split changes after it.
  private mutating func comparePaths(_ current: WorkerView) {
    guard let map = current.map else { return }
    var next = map
    for entry in stored.entries {
      guard let path = entry.backend.checkPath else { continue }
      next[StoredRoute.pathKey(entry.slot)] = path
    }
    if next != map { actions.append(.commitMap(pid: current.pid, next)) }
  }

  private mutating func compareMap(_ worker: WorkerView) {
    // An old worker may be older than the target; then it routes nothing to it either.
    guard let map = worker.map else { return }
    let wanted = stored.map
    guard map != wanted else { return }
    add(
      .modified, worker.isCurrent ? .split : .oldSplit(worker: worker.pid), Self.summary(wanted),
      Self.summary(map))
    actions.append(.commitMap(pid: worker.pid, wanted))
  }

  /// Counts by backend, and everything else as it is: for people.
  private static func summary(_ map: [String: String]) -> String {
    var shares: [String: Int] = [:]
    for index in 0..<100 { shares[map[String(index)] ?? "nothing", default: 0] += 1 }
    let split = shares.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let rest = map.filter { Int($0.key) == nil }.sorted { $0.key < $1.key }
    return (split + rest.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
  }

  /// Servers that nobody of ours put there, or that were about to be deleted.
  private mutating func removeStrangers(_ slot: Slot, _ current: WorkerView) {
    let commands = ServerCommands(key: stored.key, slot: slot)
    let backend = stored.entry(slot)?.backend
    let ours = Set(
      (backend?.endpoints ?? []).compactMap { endpoint in
        backend.map { ServerName($0, endpoint).text(stored.key) }
      })
    for row in current.servers[slot] ?? [] where !ours.contains(row.name) {
      add(.added, .server("\(slot)/\(row.name)"), nil, row.address)
      var removal: [Command] = row.isInMaintenance ? [] : [commands.stop(row.name)]
      // Its requests end first; `RoutePlan` waits for them.
      if row.sessions == 0 { removal.append(commands.delete(row.name)) }
      if !removal.isEmpty { actions.append(.run(pid: current.pid, removal)) }
    }
  }

  /// What left its stack may have sessions in a worker that a reload left behind: it is not gone yet.
  private mutating func findLeaving(_ worker: WorkerView) {
    for entry in stored.entries {
      for row in worker.servers[entry.slot] ?? []
      where row.sessions > 0 && entry.leaving?[row.name] != nil {
        add(.added, .server("\(entry.slot)/\(row.name)"), nil, row.address)
      }
    }
  }

  private mutating func add(
    _ word: Finding.Word, _ field: RouteField, _ expected: String?, _ actual: String?
  ) {
    findings.append(
      Finding(
        word: word, resource: resource, path: field.path, expected: expected, actual: actual))
  }
}
