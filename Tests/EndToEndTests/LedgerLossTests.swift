import Foundation
import Model
import Testing

/// The ledger is deleted: history is lost, the world is not (S24).
@Suite(.timeLimit(.minutes(15))) struct LedgerLossTests {
  private func isHeld(_ host: Host) async throws -> TargetStatus? {
    try await host.status().flatMap { $0.hold?.contains("ledgerLost") == true ? $0 : nil }
  }

  @Test func `while stacks serve what is declared, they are adopted`() async throws {
    try await withHost { host in
      try host.start()
      let before = try await host.synced("1.0.0").stacks
      host.kill()
      try host.loseLedger()
      try host.start()
      let after = try await host.synced("1.0.0").stacks
      #expect(after.map(\.generation) == before.map(\.generation))
      try host.remote.bump(to: "1.1.0")
      let next = try await host.synced("1.1.0")
      #expect(try #require(next.stacks.map(\.generation).max()) > 100)
    }
  }

  @Test func `what is not as declared is held until a person adopts`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      host.kill()
      try host.loseLedger(andSources: true)
      try host.remote.bump(to: "1.1.0")
      try host.start()
      let held = try await host.until("it is held") { try await isHeld(host) }
      #expect(held.stacks.count == 1)
      #expect(try await host.answer().body.contains("1.0.0"))
      try await host.run(["adopt", "--all"])
      try await host.synced("1.1.0")
    }
  }

  @Test func `in bake, the stack with all traffic is adopted and the old one is kept`() async throws
  {
    try await withHost(application: ["bake: 10s": "bake: 1h"]) { host in
      try host.start()
      try await host.bakes(1)
      host.kill()
      try host.loseLedger()
      try host.start()
      let status = try await host.synced("1.0.0")
      #expect(status.stacks.map(\.generation) == [1], "no second launch")
      #expect(try await host.answer().body.contains("1.0.0"))
    }
  }

  @Test func `a quarantined digest is not tried again`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.2.0")
      _ = try await host.until("1.2.0 is quarantined") {
        try await host.status()?.stacks.first { $0.role == "quarantined" && $0.running == 0 }
      }
      host.kill()
      try host.loseLedger()
      try host.start()
      let held = try await host.until("it is held") { try await isHeld(host) }
      #expect(held.stacks.map(\.generation) == [1, 2], "nothing was launched, nothing retired")
      #expect(try await host.answer().body.contains("1.0.0"))
    }
  }

  @Test func `with a pause, nothing that was not declared before is done`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try await host.run(["pause", "--reason", "inventory"])
      _ = try await host.until("it is paused") {
        try await host.status()?.isPaused == true ? true : nil
      }
      try host.remote.bump(to: "1.1.0")
      _ = try await host.until("1.1.0 is declared") {
        try await host.status()?.desiredVersion == "1.1.0" ? true : nil
      }
      host.kill()
      try host.loseLedger()
      try host.start()
      let held = try await host.until("it is held") { try await isHeld(host) }
      #expect(held.stacks.map(\.generation) == [1])
      #expect(held.liveVersion == "1.0.0")
    }
  }
}
