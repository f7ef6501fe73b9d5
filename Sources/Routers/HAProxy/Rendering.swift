import Model

/// Values in, HAProxy's text out: no clock, file or process.
struct Rendering: Sendable {
  let settings: HAProxySettings

  static let header = "# viridian route "
  static let globalHeader = "# viridian hard-stop-seconds "

  /// The file that is loaded first. `hardStop` is no shorter than any target's drain.
  func global(hardStop: Duration) -> String {
    let seconds = hardStop.components.seconds
    let user = settings.user.map { "  user \($0)\n" } ?? ""
    return """
      \(Self.globalHeader)\(seconds)
      # Written by viridian. Changes by hand are reported and undone.
      global
        maxconn \(settings.maximumConnections)
        stats socket \(settings.statisticsSocket) mode 600 level admin expose-fd listeners
        server-state-file \(settings.stateFile)
        hard-stop-after \(seconds)s
      \(user)defaults
        maxconn \(settings.maximumConnections)
        timeout connect 2s
        timeout check 2s
        timeout http-request 30s
        timeout http-keep-alive 60s
        timeout client 300s
        timeout client-fin 30s
        timeout server 300s
        timeout tunnel 1h
        timeout queue 5s
        retries 3
        retry-on conn-failure
        option redispatch 1
        option socket-stats
        load-server-state-from-file global

      """
  }

  /// One target's file; nil for a route that cannot be written.
  func configuration(_ stored: StoredRoute) -> String? {
    guard let line = stored.line, let listen = stored.address(.listen) else { return nil }
    let map = settings.mapFile(stored.key)
    var text = "\(Self.header)\(line)\n" + frontend(stored, listen, map)
    if let preview = stored.address(.preview) { text += previewFrontend(stored, preview, map) }
    for slot in Slot.all(settings.slots) { text += backend(slot, stored, map) }
    return text
  }

  private func backend(_ slot: Slot, _ stored: StoredRoute, _ map: String) -> String {
    var lines = ["backend \(stored.key.backend(slot))", "  mode \(stored.mode.rawValue)"]
    lines.append("  balance leastconn")
    lines.append(
      stored.mode == .tcp ? "  timeout server 1h" : "  retry-on conn-failure empty-response")
    lines += countingRules(stored)
    if slot.check == .http {
      lines.append("  option httpchk")
      lines.append(
        "  http-check send meth GET uri-lf \"%[str(\(StoredRoute.pathKey(slot))),map(\(map),/)]\""
          + " ver HTTP/1.1 hdr Host localhost hdr Connection close")
      lines.append("  http-check expect status 200-399")
    }
    for endpoint in stored.entry(slot)?.backend.endpoints ?? [] {
      guard let backend = stored.entry(slot)?.backend else { continue }
      let name = ServerName(backend, endpoint).text(stored.key)
      lines.append("  server \(name) \(serverLine(endpoint))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Address and options of a server, equal in a file and at run time.
  func serverLine(_ endpoint: Endpoint) -> String {
    let interval = max(100, settings.checkInterval.wholeMilliseconds)
    let often = max(100, interval / 3)
    // A server that is added is down until its first check has passed, and traffic waits for it.
    let soon = max(50, interval / 20)
    // A refused connection is a dead server until its next check: each further try of it would
    // cost a request.
    return "\(Self.address(endpoint)) check inter \(interval)ms fastinter \(often)ms"
      + " downinter \(soon)ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down"
      + " weight 1"
  }

  static func address(_ endpoint: Endpoint) -> String {
    endpoint.host.contains(":")
      ? "[\(endpoint.host)]:\(endpoint.port)" : "\(endpoint.host):\(endpoint.port)"
  }

  /// A map as a file or as the payload of `add map`: sorted lines.
  static func map(_ entries: [String: String]) -> String {
    entries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  /// The route in the first line of a target's file; nil when somebody damaged it.
  static func stored(in configuration: String) -> StoredRoute? {
    guard configuration.hasPrefix(header) else { return nil }
    return StoredRoute(line: configuration.dropFirst(header.count).prefix { $0 != "\n" })
  }

  /// What a global file on disk allows old workers; nil when it is not ours.
  static func hardStop(in global: String) -> Duration? {
    guard global.hasPrefix(globalHeader) else { return nil }
    return Int(global.dropFirst(globalHeader.count).prefix { $0 != "\n" }).map { .seconds($0) }
  }
}
