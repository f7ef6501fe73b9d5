import Foundation
import Model
import Support
import Testing

/// Hosts that lack what others have.
@Suite(.timeLimit(.minutes(15))) struct BareHostTests {
  /// A mount namespace in which nothing of the cgroup hierarchies can be seen.
  private static let withoutCgroups = [
    "unshare", "--mount", "sh", "-c", #"mount -t tmpfs none /sys/fs/cgroup && exec "$@""#, "sh",
  ]

  @Test func `without any cgroup stacks serve and heal, and limits are said to be unheld`()
    async throws
  {
    let limits = "environment: { GREETING: hello }\n      limits: { memory: 256Mi, pids: 64 }"
    try await withHost(
      application: ["environment: { GREETING: hello }": limits], wrapper: Self.withoutCgroups
    ) { host in
      try host.start()
      let status = try await host.synced("1.0.0")
      #expect(try await host.answer().status == 200)
      let told = try await host.run(["drift"], expecting: 0)
      for word in [
        "NOT_CHECKED", "/limits/memoryBytes", "/limits/pids", "no cgroup controller",
        "/processes/foreign", "no cgroup2",
      ] {
        #expect(told.contains(word), "\(word) is not in\n\(told)")
      }
      let before = try #require(status.stacks.first).restarts
      let victim = try #require(
        host.processes().first { $0.contains("release") && $0.contains("python3") }
          ?? host.processes().first { $0.contains("./web") })
      kill(try #require(Int32(victim.split(separator: " ")[0])), SIGKILL)
      try await host.until("the instance is back") {
        try await host.status()?.stacks.first { $0.restarts > before && $0.healthy == 2 }
      }
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
    }
  }

  @Test func `a state directory that is a volume of its own is emptied and stays`() throws {
    let state = URL(filePath: TemporaryDirectory.root)
      .appending(path: "viridian-volume-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
    defer { do { try FileManager.default.removeItem(atPath: state) } catch { Issue.record(error) } }
    let mounted = #"mount -t tmpfs none "$0" && mkdir "$0/cache" && "$@" && find "$0""#
    let told = try Tool.run([
      "unshare", "--mount", "sh", "-c", mounted, state, Programs.viridian.path, "uninstall",
      "--yes", "--state", state,
    ])
    let lines = told.split(separator: "\n").suffix(2)
    #expect(Array(lines) == ["emptied \(state), which is a mount point and stays", "\(state)"])
  }
}
