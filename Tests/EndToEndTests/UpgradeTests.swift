import Foundation
import LedgerKit
import Model
import Testing

/// Both programs are replaced on disk while stacks run, as a package does.
@Suite(.timeLimit(.minutes(15))) struct UpgradeTests {
  @Test func `an upgrade and a downgrade change nothing that runs`() async throws {
    try await withHost(application: ["action: replace": "action: alert"]) { host in
      let programs = try Installation(in: host.directory)
      try host.start(executable: programs.viridian)
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      let running = host.pids(of: "web --port") + host.pids(of: "viridian-keeper")
      #expect(running.count == 6)
      let decisions = try await host.history([.decision]).map(\.message)
      for (version, file) in [(Installation.other, "settings.json"), (Installation.built, "web")] {
        try programs.install(version)
        _ = try await host.terminate()
        try host.start(executable: programs.viridian)
        try await host.until("\(version) runs") {
          try await host.agentStatus().version == version ? true : nil
        }
        // A change that it must find shows when it has looked for others.
        try host.change(file, of: 2)
        let finding = try await host.until("\(version) has inspected v002") {
          try await host.history([.finding]).first { $0.message.contains("/\(file)") }
        }
        let paths = finding.message.matches(of: /web-production-v\d+ \S+/).map { String($0.0) }
        #expect(paths.allSatisfy { $0 == "web-production-v002 release" }, "\(finding.message)")
        #expect(try await host.history([.decision]).map(\.message) == decisions)
        #expect(host.pids(of: "web --port") + host.pids(of: "viridian-keeper") == running)
        #expect(try await host.answer().body.contains("1.1.0"))
      }
    }
  }

  @Test func `an upgrade in bake ends the rollout without a second launch`() async throws {
    try await withHost(application: ["bake: 10s": "bake: 12s"], isLong: true) { host in
      let programs = try Installation(in: host.directory)
      try host.start(executable: programs.viridian)
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.bakes(2)
      try programs.install(Installation.other)
      _ = try await host.terminate()
      try host.start(executable: programs.viridian)
      let status = try await host.synced("1.1.0")
      #expect(status.stacks.map(\.generation) == [1, 2])
      let launches = try await host.history([.decision]).count {
        $0.message.hasPrefix("launches v")
      }
      #expect(launches == 2)
      #expect(try await host.agentStatus().version == Installation.other)
    }
  }

  @Test func `agent and keeper go on when their programs are replaced under them`() async throws {
    try await withHost { host in
      let programs = try Installation(in: host.directory)
      try host.start(failpoint: "keeper.before-unpack", executable: programs.viridian)
      let keeper = try await host.untilStopped(at: "keeper.before-unpack")
      try programs.install(Installation.other)
      kill(keeper, SIGCONT)
      let status = try await host.synced("1.0.0")
      #expect(status.stacks.map(\.generation) == [1])
      #expect(host.pids(of: "viridian-keeper") == [keeper])
      #expect(try await host.agentStatus().version == Installation.built)
    }
  }
}
