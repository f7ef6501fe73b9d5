import Foundation
import LedgerKit
import Model
import Testing

/// The main job, with real processes, a real HAProxy and a real Git remote.
@Suite(.timeLimit(.minutes(15))) struct LifeTests {
  @Test func `a commit deploys, a bump replaces, a revert switches back`() async throws {
    try await withHost { host in
      try host.start()
      let first = try await host.synced("1.0.0")
      #expect(try await host.answer().body.contains("1.0.0"))
      #expect(first.stacks.map(\.name) == ["web-production-v001"])

      try host.remote.bump(to: "1.1.0")
      let second = try await host.synced("1.1.0")
      #expect(try await host.answer().body.contains("1.1.0"))
      #expect(second.stacks.first { $0.role == "stable" }?.generation == 2)
      let warm = try await host.until("v001 is warm") {
        try await host.status()?.stacks.first { $0.generation == 1 && $0.role == "warm" }
      }
      #expect(warm.running == 2)
      #expect(warm.weightPercent == 0)

      try host.remote.revert()
      let third = try await host.synced("1.0.0")
      #expect(third.stacks.first { $0.role == "stable" }?.generation == 1, "no relaunch")
      #expect(try await host.answer().body.contains("1.0.0"))
    }
  }

  @Test func `a version that never gets healthy never gets traffic`() async throws {
    try await withHost(isLong: true) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.2.0")
      let failed = try await host.until("1.2.0 is quarantined") {
        try await host.status()?.stacks.first { $0.role == "quarantined" && $0.running == 0 }
      }
      #expect(failed.version == "1.2.0")
      let status = try #require(try await host.status())
      #expect(status.liveVersion == "1.0.0")
      #expect(status.hold != nil)
      #expect(status.condition(.stalled)?.status == true)
      #expect(try await host.answer().body.contains("1.0.0"))
      let writes = try await host.history([.intent]).filter {
        $0.message.contains("v002 100 %")
      }
      #expect(writes.isEmpty, "the bad version was given traffic: \(writes.map(\.message))")
    }
  }

  @Test func `a newer commit pre-empts a rollout`() async throws {
    try await withHost(application: ["deadline: 20s": "deadline: 60s"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.2.0")
      _ = try await host.until("1.2.0 is being proven") {
        try await host.status()?.rollout.flatMap { $0.candidate == 2 ? true : nil }
      }
      try host.remote.bump(to: "1.1.0")
      let status = try await host.synced("1.1.0")
      #expect(
        status.stacks.allSatisfy { $0.role != "quarantined" }, "a superseded stack is no failure")
    }
  }

  @Test func `a commit during a bake is launched beside it at 0 %`() async throws {
    try await withHost(application: ["bake: 10s": "bake: 12s"], isLong: true) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.bakes(2)
      try host.remote.bump(to: "1.2.0")
      let beside = try await host.until("v003 runs beside v002") {
        try await host.status().flatMap { status in
          let isThere = status.stacks.contains { $0.generation == 3 && $0.running > 0 }
          return isThere && status.rollout?.candidate == 2 ? status : nil
        }
      }
      #expect(beside.stacks.map(\.weightPercent) == [0, 100, 0])
      try await host.until("v002 is stable, and v003 has failed its gate") {
        try await host.status().flatMap { status in
          status.stacks.contains { $0.generation == 2 && $0.role == "stable" }
            && status.stacks.contains { $0.generation == 3 && $0.role == "quarantined" }
            ? true : nil
        }
      }
      #expect(try await host.answer().body.contains("1.1.0"))
      let writes = try await host.history([.intent]).filter { $0.message.contains("v003 100 %") }
      #expect(writes.isEmpty, "the bad version was given traffic: \(writes.map(\.message))")
    }
  }

  @Test func `a manual change is named and the stack is replaced`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.change("settings.json", of: 1)
      let entry = try await host.until("the finding is recorded") {
        try await host.history([.finding]).first { $0.message.contains("settings.json") }
      }
      #expect(entry.message.contains("MODIFIED") || entry.message.contains("expected"))
      let status = try await host.until("v002 serves") {
        try await host.status().flatMap { status in
          status.stacks.contains { $0.generation == 2 && $0.role == "stable" } ? status : nil
        }
      }
      #expect(status.liveVersion == "1.0.0")
    }
  }

  @Test func `the agent is killed, traffic goes on, and the next one adopts`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      let before = try #require(try await host.status()).stacks.map(\.generation)
      host.kill()
      #expect(try await host.answer().status == 200)
      try host.start()
      let status = try await host.synced("1.0.0")
      #expect(status.stacks.map(\.generation) == before)
    }
  }

  @Test func `stacks whose processes and keepers all died come back as they were`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      let decisions = try await host.history([.decision]).count
      // Keepers first: they would start again what dies before them.
      for pid in host.pids(of: "viridian-keeper") + host.pids(of: "web --port") {
        kill(pid, SIGKILL)
      }
      let status = try await host.until("stable and the warm stack run again") {
        let status = try await host.status()
        return host.pids(of: "viridian-keeper").count == 2
          && host.pids(of: "web --port").count == 4
          && status?.stacks.map(\.healthy) == [2, 2] ? status : nil
      }
      #expect(status.stacks.map(\.generation) == [1, 2])
      #expect(try await host.answer().body.contains("1.1.0"))
      #expect(try await host.history([.decision]).count == decisions, "\(status)")
      #expect(try await host.history([.finding]).isEmpty)
    }
  }

  @Test func `what a wrapper executes while it starts is no drift`() async throws {
    // So seldom that the gate would be passed with what was read while the wrapper still slept.
    try await withHost(
      application: [
        "[./web, --port, \"${port}\"]":
          "[sh, -c, \"sleep 1; exec ./web --port ${port}\"]",
        "action: replace": "action: alert",
      ], inspectEvery: "4s", isLong: true
    ) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.change("settings.json", of: 1)
      let finding = try await host.until("the next inspection has found something") {
        try await host.history([.finding]).first
      }
      #expect(finding.message.contains("settings.json"))
      #expect(!finding.message.contains("/executable") && !finding.message.contains("/argv"))
    }
  }

  @Test func `SIGTERM stops the agent within a second and leaves stacks serving`() async throws {
    try await withHost { host in
      try host.start()
      var times: [Duration] = []
      // A busy machine may be late to see it end, but not each time.
      while times.count < 5, times.min() ?? .seconds(1) >= .seconds(1) {
        if !times.isEmpty { try host.start() }
        try await host.synced("1.0.0")
        times.append(try await host.terminate())
      }
      #expect(times.min() ?? .seconds(1) < .seconds(1), "\(times)")
      #expect(try await host.answer().status == 200)
    }
  }

  @Test func `workers are exactly one stack, also after a bump`() async throws {
    try await withHost(keeping: ["mailer@production"]) { host in
      try host.start()
      try await host.synced("1.0.0", "mailer@production")
      try host.remote.edit(
        "environments/production/mailer.yaml", ["version: 1.0.0": "version: 1.0.0 # again"])
      try host.remote.commit("nothing that matters")
      try await host.synced("1.0.0", "mailer@production")
      let stacks = try #require(try await host.status("mailer@production")).stacks
      #expect(stacks.count == 1, "a comment launches nothing")
    }
  }
}
