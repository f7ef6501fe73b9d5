import Foundation
import Model
import Testing

/// The ledger is deleted: history is lost, the world is not.
@Suite(.timeLimit(.minutes(3))) struct LedgerLossTests {
  private func loseLedger(_ host: Host) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: host.state)
    where name.hasPrefix("ledger.sqlite") {
      try FileManager.default.removeItem(atPath: "\(host.state)/\(name)")
    }
  }

  @Test func `while stacks serve what is declared, they are adopted`() async throws {
    try await withHost { host in
      try host.start()
      let before = try await host.synced("1.0.0").stacks
      host.kill()
      try loseLedger(host)
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
      try loseLedger(host)
      try host.remote.bump(to: "1.1.0")
      try host.start()
      let held = try await host.until("held") {
        try await host.status().flatMap { $0.hold?.contains("ledgerLost") == true ? $0 : nil }
      }
      #expect(held.stacks.count == 1)
      #expect(try await host.answer().body.contains("1.0.0"))
      try await host.run(["adopt", "--all"])
      try await host.synced("1.1.0")
    }
  }
}
