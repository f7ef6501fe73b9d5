import Foundation
import LedgerKit
import Model
import Testing

/// `metadata.previously`: a target that is called otherwise goes on with what runs.
@Suite(.timeLimit(.minutes(15))) struct RenameTests {
  private let shop = "shop@production"

  @Test func `a rename adopts stacks and route, and a revert of it does so again`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      let calls = try await calls(host)
      try host.rename(from: "web", to: "shop", previously: "web")
      let renamed = try await host.synced("1.1.0", shop)
      #expect(renamed.stacks.map(\.name) == ["web-production-v001", "web-production-v002"])
      #expect(try await host.status() == nil)
      #expect(try await host.run(["describe", shop]).contains("it was called web@production"))
      #expect(try await !host.run(["logs", shop]).isEmpty)

      // The ledger holds it, and what was learnt of the stacks before.
      host.kill()
      try host.start()
      #expect(try await host.synced("1.1.0", shop).stacks.map(\.name) == renamed.stacks.map(\.name))
      let drift = try await host.run(["drift", shop])
      #expect(!drift.contains("NOT_CHECKED"), "\(drift)")
      #expect(try await self.calls(host).dropFirst(calls.count) == [], "only the name changes")

      try host.remote.bump(to: "1.0.0")
      let back = try await host.synced("1.0.0", shop)
      #expect(back.stacks.first { $0.role == "stable" }?.generation == 1, "no relaunch")
      #expect(try await host.answer().body.contains("1.0.0"))
      try host.change("settings.json", of: 1)
      let replaced = try await host.until("v003 serves, under the new name, and v001 is retired") {
        try await host.status(shop).flatMap { status in
          status.stacks.contains { $0.name == "shop-production-v003" && $0.role == "stable" }
            && status.sync == .synced && !status.stacks.contains { $0.generation == 1 }
            ? status : nil
        }
      }
      #expect(replaced.stacks.contains { $0.name == "web-production-v002" }, "warm still")
      #expect(try await host.answer().body.contains("1.0.0"))

      let later = try await self.calls(host)
      try host.rename(from: "shop", to: "web", previously: nil)
      let taken = try await host.synced("1.0.0")
      #expect(taken.stacks.first { $0.role == "stable" }?.name == "shop-production-v003")
      #expect(try await host.status(shop) == nil)
      #expect(try await self.calls(host).dropFirst(later.count) == [], "only the name changes")
    }
  }

  @Test func `a rename in the middle of a rollout goes on with the rollout`() async throws {
    try await withHost(application: ["bake: 10s": "bake: 4s"], isLong: true) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.bakes(2)
      try host.rename(from: "web", to: "shop", previously: "web")
      let status = try await host.synced("1.1.0", shop)
      #expect(status.stacks.map(\.generation) == [1, 2], "no relaunch")
      #expect(status.stacks.first { $0.role == "stable" }?.generation == 2)
      let ends = try await host.history([.decision]).filter { $0.message.contains("stable") }
      #expect(ends.contains { $0.target?.description == shop }, "\(ends.map(\.message))")
    }
  }

  @Test func `after a lost ledger the certificates and the manifest tell who goes on`() async throws
  {
    try await withHost(keeping: ["web@production", "mailer@production"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.rename(from: "web", to: "shop", previously: "web")
      try await host.synced("1.0.0", shop)
      host.kill()
      try host.loseLedger()
      try host.start()
      let status = try await host.synced("1.0.0", shop)
      #expect(status.stacks.map(\.name) == ["web-production-v001"])
      #expect(try await calls(host).filter { !$0.contains("mailer") }.isEmpty)
      // The route alone bears the old name, and the line is gone: what stands behind it tells.
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0", shop)
      try host.remote.edit("environments/production/web.yaml", [", previously: web": ""])
      try host.remote.commit("the line is taken out")
      host.kill()
      try host.loseLedger()
      try host.start()
      let again = try await host.synced("1.1.0", shop)
      #expect(again.hold == nil && again.stacks.contains { $0.name.hasPrefix("shop-production-v") })
      #expect(
        try await calls(host).filter { !$0.contains("mailer") }.allSatisfy { $0.contains("route") })
      // Removed as a target of its own name is: with the route that bears the old one.
      try host.remote.remove("environments/production/web.yaml")
      try host.remote.commit("shop goes")
      try await host.until("the route is gone") {
        do { _ = try await host.answer() } catch { return true }
        return nil
      }
    }
  }

  /// What was asked of platforms and router so far.
  private func calls(_ host: Host) async throws -> [String] {
    try await host.history([.intent]).map(\.message)
  }
}

extension Host {
  /// One commit that gives a name up and declares another in its place.
  fileprivate func rename(from old: String, to new: String, previously: String?) throws {
    let said = previously.map { ", previously: \($0)" } ?? ""
    let before = previously == nil ? ", previously: \(new)" : ""
    try remote.edit("applications/web/application.yaml", ["name: \(old),": "name: \(new),"])
    try remote.edit(
      "environments/production/web.yaml",
      [
        "name: \(old)\(before) }": "name: \(new)\(said) }",
        "application: \(old)": "application: \(new)",
      ])
    try remote.commit("\(old) is called \(new)")
  }
}
