import Model

/// Whatever HAProxy answers on its sockets.
package func fuzzHAProxy(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  let key = TargetKey(TargetID("web", "production"))
  _ = ProcessList(text)
  _ = sessionPointers(text, backend: key.backend(Slot(.http, 0)), server: "x")
  _ = text.trimmedLine
  _ = ListenAddress(text)
  _ = ServerName(parsing: text, key)
  _ = TargetKey.ofBackend(text)
  _ = Rendering.hardStop(in: Rendering.globalHeader + text)
  var view = WorkerView(pid: 1, isCurrent: true)
  view.slots = [Slot(.http, 0), Slot(.tcp, 1)]
  view.shownMap = text
  _ = splitMaps(text)
  var live = LiveTarget(key: key)
  if let statistics = Statistics(text) {
    let rows = statistics.servers.values.flatMap { $0 }
    view.frontends[.listen] = statistics.frontends.values.first
    view.servers[Slot(.http, 0)] = rows
    _ = rows.map { ($0.isUp, $0.isUnchecked, $0.isDraining) }
  }
  live.workers = [view, view]
  _ = live.sessions(Slot(.http, 0))
  _ = live.serversUp(Slot(.http, 0))
  _ = live.running?.map
}

/// The first line of a target's file, which somebody may have changed.
package func fuzzStoredRoute(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let stored = Rendering.stored(in: Rendering.header + text) else { return }
  let rendering = Rendering(settings: HAProxySettings(directory: "/tmp/x"))
  _ = stored.map
  _ = stored.route
  if let configuration = rendering.configuration(stored) {
    precondition(Rendering.stored(in: configuration) == stored, "read otherwise than written")
    let lines = configuration.split(separator: "\n")
    precondition(
      lines.filter { $0.hasPrefix("frontend") }.count == stored.addresses.count, "another frontend")
  }
  let now = BootTime(bootID: "a", milliseconds: 1)
  for entry in stored.entries {
    _ = entry.drainingSince?.hasPassed(stored.drainDeadline, at: now)
  }
}
