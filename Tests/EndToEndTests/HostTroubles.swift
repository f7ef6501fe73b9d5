import Foundation
import Model
import Support

/// What tests do to a host: death at a named point, a file changed by hand, a client that stays.
extension Host {
  /// Waits until a process stands still at `point`; the answer is its pid.
  func untilStopped(at point: String) async throws -> pid_t {
    try await until("\(point) is reached") {
      let text = (try? String(contentsOf: failpointFile, encoding: .utf8)) ?? ""
      guard text.hasPrefix(point + " "), text.hasSuffix("\n"),
        let pid = Int32(text.dropFirst(point.count + 1).dropLast()),
        let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        state.contains(") T ")
      else { return nil }
      return pid
    }
  }

  /// SIGKILL to the agent and to `stopped`. A keeper dies with the point that it or its child
  /// stopped at, and lives on otherwise: that is what it is for.
  func kill(_ stopped: pid_t, at point: String) async throws {
    kill()
    if point.hasPrefix("keeper.") || point.hasPrefix("unpack.") {
      // Also those that the agent had only just begun, and which would stop at the same point.
      try await until("no armed keeper is left") {
        let keepers = pids(of: "viridian").filter(isArmed)
        // None sees the end of another.
        for keeper in keepers { Foundation.kill(keeper, SIGSTOP) }
        for keeper in keepers { Foundation.kill(keeper, SIGKILL) }
        return keepers.isEmpty ? true : nil
      }
    }
    Foundation.kill(stopped, SIGKILL)
  }

  /// This host's processes whose command line has `text`.
  func pids(of text: String) -> [pid_t] {
    processes().filter { $0.contains(text) }
      .compactMap { $0.split(separator: " ").first.flatMap { Int32($0) } }
  }

  /// Deletes the ledger, and what is known of the sources where told so.
  func loseLedger(andSources: Bool = false) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: state)
    where name.hasPrefix("ledger.sqlite") || (andSources && ["sources", "git"].contains(name)) {
      try FileManager.default.removeItem(atPath: "\(state)/\(name)")
    }
  }

  /// Changes a file of a release of `web` by hand.
  func change(_ file: String, of generation: Generation) throws {
    let release = "\(state)/local/stacks/web-production-\(generation)/release"
    let paths = try FileManager.default.subpathsOfDirectory(atPath: release)
    guard let found = paths.first(where: { $0.hasSuffix(file) }) else {
      throw Unexpected("\(release) has no \(file): \(paths)")
    }
    chmod("\(release)/\(found)", 0o644)
    try Data("{\"greeting\": \"changed by hand\"}".utf8)
      .write(to: URL(fileURLWithPath: "\(release)/\(found)"))
  }

  /// Begins a request that takes half a minute, through the router.
  func beginLongRequest() throws {
    clients.append(
      try Tool.spawn(
        ["curl", "-s", "\(publicURL)/slow?ms=30000"], environment: [:], input: "/dev/null",
        output: "/dev/null", error: "/dev/null"))
  }

  private func isArmed(_ pid: pid_t) -> Bool {
    let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
    return variables.range(of: Data("VIRIDIAN_FAILPOINT=".utf8)) != nil
  }
}
