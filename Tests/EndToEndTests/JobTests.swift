import Foundation
import LedgerKit
import Model
import Support
import Testing

/// Jobs, run by the keeper in the release of a stack.
@Suite(.timeLimit(.minutes(10))) struct JobTests {
  /// Each run of the job writes its version into a file outside of every stack.
  private func withJob(_ script: String, _ body: (Host, String) async throws -> Void) async throws {
    let files = try TemporaryDirectory()
    let journal = files.path("journal")
    let command = "echo ${version} >> \(journal); \(script)"
    let warm = "test -x ./web && echo ready ${version} >> \(journal)"
    try await withHost(application: [
      "  instances: 2\n": """
        instances: 2
        jobs:
          before: [{ name: migrate, command: [/bin/sh, -c, "\(command)"] }]
          after: [{ name: warm, command: [/bin/sh, -c, "\(warm)"] }]

      """
    ]) { host in
      try host.start()
      try await host.synced("1.0.0")
      try await body(host, journal)
    }
  }

  private func lines(_ journal: String) throws -> [String] {
    try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test
  func `each runs once for its version, in its release, and one that fails keeps it from starting`()
    async throws
  {
    try await withJob("test ${version} != 1.2.0 || { echo no such table; exit 3; }") {
      host, journal in
      #expect(try lines(journal) == ["1.0.0", "ready 1.0.0"])
      try host.remote.bump(to: "1.2.0")
      let bad = try await host.until("1.2.0 is quarantined") {
        try await host.status()?.stacks.first { $0.role == "quarantined" }
      }
      #expect(bad.version == "1.2.0")
      #expect(try lines(journal) == ["1.0.0", "ready 1.0.0", "1.2.0"])
      let told = try await host.history([.decision])
      #expect(
        told.contains { $0.message.contains("job migrate failed, exit status 3: no such table") })
      #expect(told.contains { $0.details?["output"]?.string?.contains("no such table") == true })
      #expect(try await host.answer().body.contains("1.0.0"))
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      // A clean stack in place of one that was changed by hand needs no migration.
      try host.change("settings.json", of: 3)
      try await host.until("another stack of it serves") {
        let stable = try await host.status()?.stacks.first { $0.role == "stable" }
        return stable?.generation == 4 ? true : nil
      }
      #expect(
        try lines(journal) == ["1.0.0", "ready 1.0.0", "1.2.0", "1.1.0", "ready 1.1.0"])
    }
  }

  @Test func `a test that is a command keeps a version from its traffic`() async throws {
    let test =
      "tests: [{ name: schema, command: [/bin/sh, -c, \"echo of $VIRIDIAN_VERSION; test $VIRIDIAN_VERSION = 1.0.0\"] }],"
    try await withHost(application: ["strategy: blueGreen,": "strategy: blueGreen, \(test)"]) {
      host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.until("1.1.0 is quarantined") {
        try await host.status()?.stacks.first { $0.role == "quarantined" }
      }
      let told = try await host.history([.decision]).map(\.message)
      let reason = "test schema before its traffic: exit status 1: of 1.1.0"
      #expect(told.contains { $0.contains(reason) }, "\(told)")
      #expect(try await host.answer().body.contains("1.0.0"))
    }
  }

  @Test func `an agent that dies while it runs finds it, and runs it no second time`() async throws
  {
    try await withJob("test ${version} = 1.0.0 || sleep 3") { host, journal in
      try host.remote.bump(to: "1.1.0")
      try await host.until("it runs") { try lines(journal).contains("1.1.0") ? true : nil }
      host.kill()
      try host.start()
      try await host.synced("1.1.0")
      #expect(try lines(journal).filter { $0 == "1.1.0" }.count == 1)
      #expect(try lines(journal).last == "ready 1.1.0")
    }
  }
}
