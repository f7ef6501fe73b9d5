import Foundation
import LedgerKit
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
      // What cannot be seen in that very pass is not accepted; the person is told, and asks again.
      _ = try await host.until("it is adopted") {
        try await host.run(["adopt", "--all"])
        return try await isHeld(host) == nil ? true : nil
      }
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

  @Test func `a restored backup is older than the world: what serves as declared is adopted`()
    async throws
  {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      let file = host.directory.appending(path: "backup.sqlite").path
      try await host.run(["backup", file])
      // Nothing is launched for it, so that no certificate tells how old the backup is.
      try host.remote.bump(to: "1.0.0")
      try await host.synced("1.0.0")
      host.kill()
      try await host.run(["restore", file])
      try host.start()
      try await host.synced("1.0.0")
      let told = try await host.history([.decision]).map(\.message)
      #expect(
        told.contains("the ledger was lost; v001 serves what is declared: adopted"), "\(told)")
      let written = try await host.history([.intent]).map(\.message)
      #expect(!written.contains { $0.contains("v002 100 %, v001 0 %") }, "\(written)")
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
