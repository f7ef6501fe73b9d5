import Model

/// What `read` says of one target.
struct Observation {
  let live: LiveTarget
  let rendering: Rendering

  var route: RouteObservation? {
    guard let running = live.running ?? live.stored else { return nil }
    var observation = RouteObservation(route: running.route, revision: live.revision)
    observation.findings =
      Convergence(of: live, to: live.stored ?? running, rendering).findings
    observation.sessionsCut = live.sessionsCut
    for slot in Slot.all(rendering.settings.slots) {
      guard let generation = running.entry(slot)?.backend.generation else { continue }
      observation.serversUp[generation, default: 0] += live.serversUp(slot)
    }
    for worker in live.workers {
      for (slot, row) in worker.servers.flatMap({ slot, rows in rows.map { (slot, $0) } }) {
        let named = ServerName(parsing: row.name, live.key)?.generation
        guard let generation = named ?? running.entry(slot)?.backend.generation else { continue }
        observation.sessions[generation, default: 0] += row.sessions
      }
    }
    let frontend = live.current?.frontend
    observation.isListening =
      frontend?.status == "OPEN" && frontend?.addresses.isEmpty == false
      && live.current?.shownMap != nil
    // A target that only old workers know takes nothing new.
    if live.current?.frontend == nil {
      for index in observation.route.backends.indices {
        observation.route.backends[index].weightPercent = 0
      }
      observation.route.chosen = nil
      observation.route.sticky = nil
      observation.route.preview = nil
    }
    return observation
  }
}

extension LiveTarget {
  /// Changes with every change of files, maps, servers or listeners by anybody; not with health,
  /// sessions or the coming and going of workers that agree.
  var revision: String {
    var parts = [configuration ?? "-", mapFile ?? "-", "\(isGlobalFileIntact)", "\(isRejected)"]
    for worker in workers where worker.isCurrent || worker.map != current?.map {
      parts.append(worker.map.map(Rendering.map) ?? "-")
      guard worker.isCurrent else { continue }
      for listener in Listener.allCases {
        let frontend = worker.frontends[listener]
        parts.append(
          "\(frontend?.status ?? "-") \(frontend?.addresses ?? []) \(frontend?.maxconn ?? 0)"
            + " \(frontend?.listeners ?? [])")
      }
      for (slot, rows) in worker.servers.sorted(by: { $0.key < $1.key }) {
        for row in rows.sorted(by: { $0.name < $1.name }) {
          let admin = row.isInMaintenance ? "maint" : row.isDraining ? "drain" : "ready"
          let check = row.isUnchecked ? "unchecked" : "checked"
          parts.append(
            "\(slot) \(row.name) \(row.address) \(row.weight) \(admin) \(check) \(row.maxconn)")
        }
      }
    }
    return String(Digest.of(parts.joined(separator: "\n")).hex.prefix(32))
  }
}
