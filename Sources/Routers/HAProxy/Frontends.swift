import Model

/// The listeners of a target, and what they do with a request.
extension Rendering {
  func frontend(_ stored: StoredRoute, _ listen: ListenAddress, _ map: String) -> String {
    let mark = stored.readsMark.map { " name \($0)" } ?? ""
    let rule = stored.mode == .tcp ? "tcp-request content" : "http-request"
    var lines = [
      "frontend \(stored.key.frontend)", "  mode \(stored.mode.rawValue)",
      "  bind \(listen)\(mark)",
    ]
    lines += Self.modeLines(stored.mode) + publicCounts(stored)
    lines.append("  \(rule) set-var(txn.be) rand(100),map(\(map))")
    lines.append("  \(rule) set-var(txn.fb) str(fallback),map(\(map))")
    lines += pickRules(stored, map)
    // `nbsrv` guards every use: a stack without a server that is up is passed over here, also
    // while no agent runs, and never for one that the split does not name. A worker that a reload
    // is stopping counts no server of any backend, yet has requests left on kept connections.
    let isPicking = stored.reads != nil
    if isPicking { lines.append("  use_backend %[var(txn.pick)] if { var(txn.pick),nbsrv gt 0 }") }
    lines.append("  use_backend %[var(txn.be)] if { var(txn.be),nbsrv gt 0 }")
    lines.append("  use_backend %[var(txn.fb)] if { var(txn.fb),nbsrv gt 0 }")
    if isPicking {
      lines.append("  use_backend %[var(txn.pick)] if { stopping } { var(txn.pick) -m found }")
    }
    lines.append("  use_backend %[var(txn.be)] if { stopping }")
    return Self.text(lines)
  }

  /// The same for every request, and nobody else in its place.
  func previewFrontend(_ stored: StoredRoute, _ listen: ListenAddress, _ map: String) -> String {
    let stack = "str(preview),map(\(map))"
    return Self.text(
      [
        "frontend \(stored.key.frontend(.preview))", "  mode \(stored.mode.rawValue)",
        "  bind \(listen)",
      ] + Self.modeLines(stored.mode) + [
        "  use_backend %[\(stack)] if { \(stack),nbsrv gt 0 }",
        "  use_backend %[\(stack)] if { stopping }",
      ])
  }

  /// What was sent and not answered may have been done: only safe methods are sent again.
  private static func modeLines(_ mode: TrafficPolicy.Mode) -> [String] {
    guard mode != .tcp else { return ["  timeout client 1h"] }
    return [
      "  option forwardfor",
      "  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }",
    ]
  }

  /// The last part that is in the map says whom the map is asked for. A cookie is set by the answers of
  /// the stack that the map has one for, unless the request came with it.
  private func pickRules(_ stored: StoredRoute, _ map: String) -> [String] {
    guard let reads = stored.reads else { return [] }
    var lines = reads.map { "  http-request set-var(txn.hit) \($0.sample),map(\(map))" }
    lines.append("  http-request set-var(txn.pick) var(txn.hit),map(\(map))")
    guard reads.contains(where: { $0.kind == .sticky }) else { return lines }
    let cookie = "be_name,concat(\(StoredRoute.cookieSuffix)),map(\(map))"
    lines.append("  http-response set-var(txn.cookie) \(cookie)")
    lines.append(
      "  http-response add-header Set-Cookie %[var(txn.cookie)]"
        + " if { var(txn.cookie) -m found } !{ var(txn.hit) -m str sticky }")
    return lines
  }

  // MARK: - Counting beside a preview

  /// A backend counts all its requests: beside a preview the public ones are counted in a table, an error
  /// being every answer of 5xx, whoever gave it. TCP has no such table.
  private func publicCounts(_ stored: StoredRoute) -> [String] {
    guard isCounting(stored) else { return [] }
    // As many as there can be slots; a backend's name has at most 88 bytes.
    return [
      "  stick-table type string len 96 size 100 store http_req_cnt,gpc0",
      "  http-after-response set-var(txn.failed) sc_inc_gpc0(0) if { status 500:599 }",
    ]
  }

  /// In every backend.
  func countingRules(_ stored: StoredRoute) -> [String] {
    let name = stored.key.frontend
    guard isCounting(stored) else { return [] }
    return ["  http-request track-sc0 be_name table \(name) if { fe_name \(name) }"]
  }

  private func isCounting(_ stored: StoredRoute) -> Bool {
    stored.mode == .http && stored.address(.preview) != nil
  }

  private static func text(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
}
