import Foundation
import LedgerKit
import Model
import PlatformKit
import Testing

/// A way through a stack's life, on which an agent that stops itself at `point` is killed, and how
/// it has to end all the same.
enum Journey: String, CaseIterable, CustomTestStringConvertible {
  case firstLaunch, bump, revert, replacement, supersede, drain, job, uninstall

  var testDescription: String { rawValue }

  /// The points that must be reached on the way.
  var points: [String] {
    switch self {
    case .firstLaunch:
      Self.pass + Self.launch
        + [
          "haproxy.start.before", "haproxy.start.after", "haproxy.reload.before",
          "haproxy.reload.after", "local.ensure.after-secrets",
        ] + Self.route
    case .bump: Self.pass + Self.launch + Self.route
    case .revert:
      // The warm stack is behind the route already: no server is added, only the split changes.
      Self.pass + Self.route.filter { $0 != "haproxy.apply.between-commands" }
    case .replacement: Self.pass + Self.launch
    case .supersede: Self.parking + Self.retirement
    case .drain: ["haproxy.apply.before-cut"] + Self.retirement
    case .job: Failpoint.tasks
    case .uninstall: Self.retirement
    }
  }

  private static let pass = [
    "ledger.before-intent", "ledger.after-intent", "executor.before-action",
    "executor.after-action", "ledger.before-outcome", "ledger.after-outcome",
  ]
  private static let launch = [
    "executor.before-ensure", "local.ensure.before-certificate",
    "local.ensure.certificate-written", "local.ensure.after-certificate",
    "local.ensure.before-plan", "local.ensure.after-plan", "local.ensure.before-keeper",
    "local.ensure.after-keeper", "keeper.before-lock", "keeper.after-lock",
    "keeper.before-unpack", "unpack.after-verify", "unpack.after-entry", "unpack.after-manifest",
    "keeper.after-unpack", "keeper.after-release", "keeper.after-manifest", "keeper.before-start",
    "keeper.after-fork", "keeper.after-record", "keeper.after-start",
  ]
  private static let route = [
    "haproxy.apply.before-files", "haproxy.apply.between-files", "haproxy.apply.after-files",
    "haproxy.apply.between-commands", "haproxy.apply.before-commit-map",
    "haproxy.apply.after-commit-map",
  ]
  private static let parking = [
    "local.instances.before-write", "local.instances.after-write", "keeper.before-stop",
    "keeper.after-stop",
  ]
  private static let retirement = [
    "local.retire.before-mark", "local.retire.after-mark", "local.retire.after-stop",
    "local.retire.after-cgroup", "local.retire.after-secrets", "local.retire.after-rename",
    "local.retire.after-remove",
  ]

  /// Replacements in the declarations of `web`; `directory`: where its job writes a line each time that it runs.
  func application(_ directory: String) -> [String: String] {
    switch self {
    case .firstLaunch: ["{ GREETING: hello }": "{ GREETING: \"${secret:file:greeting}\" }"]
    case .supersede: ["deadline: 20s": "deadline: 60s"]
    case .drain: ["stacks: 1": "stacks: 0"]
    case .job:
      [
        "  instances: 2\n": """
          instances: 2
          jobs:
            before:
              - { name: migrate, command: [/bin/sh, -c, "echo ${version} >> \(directory)/journal"] }

        """
      ]
    case .bump, .revert, .replacement, .uninstall: [:]
    }
  }

  /// What has to be there before the agent that is going to be killed starts.
  func prepare(_ host: Host) async throws {
    guard self != .firstLaunch else { return }
    try host.start()
    try await host.synced("1.0.0")
    if self == .revert {
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
    }
    if self == .drain { try host.beginLongRequest() }
    host.kill()
  }

  /// Sets out, with an agent that stops itself at `point`.
  func setOut(_ host: Host, to point: String) async throws {
    guard self != .uninstall else {
      return try host.start(["uninstall", "--yes"], failpoint: point)
    }
    try host.start(failpoint: point)
    switch self {
    case .firstLaunch, .uninstall: return
    case .bump, .job: try host.remote.bump(to: "1.1.0")
    case .revert: try host.remote.revert()
    case .replacement: try host.change("settings.json", of: 1)
    case .supersede:
      try host.remote.bump(to: "1.2.0")
      try await host.until("v002 is being proven") {
        try await host.status()?.stacks.first { $0.generation == 2 && $0.running == 2 }
      }
      try host.remote.bump(to: "1.1.0")
    case .drain: try host.remote.bump(to: "1.1.0")
    }
  }

  /// Waits for the end that an unharmed journey has.
  func arrive(_ host: Host, _ directory: String) async throws {
    switch self {
    case .firstLaunch: try await arrive(host, "1.0.0", stable: 1, of: [1], launches: 1)
    case .bump: try await arrive(host, "1.1.0", stable: 2, of: [1, 2], launches: 2)
    case .revert: try await arrive(host, "1.0.0", stable: 1, of: [1, 2], launches: 2)
    case .replacement: try await arrive(host, "1.0.0", stable: 2, of: [2], launches: 2)
    case .supersede: try await arrive(host, "1.1.0", stable: 3, of: [1, 3], launches: 3)
    case .drain: try await arrive(host, "1.1.0", stable: 2, of: [2], launches: 2)
    case .job: try await arriveWithJob(host, directory)
    case .uninstall: try await host.run(["uninstall", "--yes"])
    }
  }

  /// It has run once, or never; where nobody can say how it ended, it runs again for a person alone.
  private func arriveWithJob(_ host: Host, _ directory: String) async throws {
    func runs() throws -> Int {
      try String(contentsOfFile: "\(directory)/journal", encoding: .utf8)
        .split(separator: "\n").count { $0 == "1.1.0" }
    }
    try host.start()
    let isLost = try await host.until("1.1.0 serves, or its job is lost") { () -> Bool? in
      guard let status = try await host.status(), status.rollout == nil else { return nil }
      if status.liveVersion == "1.1.0", status.sync == .synced { return false }
      return status.stacks.contains { $0.role == "quarantined" } ? true : nil
    }
    let before = try runs()
    #expect(before == 1 || (isLost && before == 0))
    guard isLost else { return }
    try await host.run(["retry", "web@production"])
    try await host.synced("1.1.0")
    #expect(try runs() == before + 1)
  }

  private func arrive(
    _ host: Host, _ version: String, stable: Generation, of generations: [Generation],
    launches: Int
  ) async throws {
    try host.start()
    try await host.until("\(version) serves as \(stable) of \(generations)") { () -> Bool? in
      guard let status = try await host.status(), status.liveVersion == version,
        status.sync == .synced, status.rollout == nil,
        status.stacks.map(\.generation) == generations,
        status.stacks.first(where: { $0.role == "stable" })?.generation == stable
      else { return nil }
      return true
    }
    let launched = try await host.history([.decision]).filter { $0.message.hasPrefix("launches v") }
    let told = await host.told()
    #expect(launched.count == launches, "\(told)")
    #expect(try await host.answer().body.contains(version))
    let instances = host.pids(of: "web --port")
    #expect(instances.count == 2 * generations.count, "\(host.processes())")
    #expect(host.pids(of: "viridian-keeper").count == generations.count, "\(host.processes())")
  }
}
