import Foundation
import Model
import Testing

/// What a broken, rewritten or shrunken repository must never do.
@Suite(.timeLimit(.minutes(3))) struct SourceTests {
  private func health(_ host: Host) async throws -> String {
    try await host.agentStatus().sources.first?.health ?? ""
  }

  @Test func `a force-push is held`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.git(["checkout", "-q", "--orphan", "other"])
      try host.remote.edit("environments/production/web.yaml", ["version: 1.0.0": "version: 1.1.0"])
      try host.remote.commit("rewritten", force: true)
      _ = try await host.until("the source is held") {
        try await health(host).hasPrefix("held") ? true : nil
      }
      #expect(try await host.status()?.liveVersion == "1.0.0")
      #expect(try await host.status()?.stacks.count == 1)
    }
  }

  @Test func `an empty tree removes nothing`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.git(["rm", "-rq", "."])
      try host.remote.commit("all gone")
      _ = try await host.until("the source is held") {
        try await health(host).hasPrefix("held") ? true : nil
      }
      #expect(try await host.answer().status == 200)
      #expect(try await host.statuses().count == 1)
    }
  }

  @Test func `removals beyond the bound wait for a person`() async throws {
    try await withHost(
      keeping: ["web@production", "web@staging", "mailer@production", "mailer@staging"]
    ) { host in
      try host.start()
      for target in ["web@production", "mailer@production", "mailer@staging"] {
        try await host.synced("1.0.0", target)
      }
      try await host.synced("1.1.0", "web@staging")
      try host.remote.remove("environments/staging/web.yaml")
      try host.remote.remove("environments/staging/mailer.yaml")
      let commit = try host.remote.commit("staging goes")
      let held = try await host.until("a removal is held") {
        try await host.statuses().first { $0.hold?.contains("removal") == true }
      }
      #expect(held.target.environment == "staging")
      try await host.run(["approve", "removal", commit])
      _ = try await host.until("the hold is lifted") {
        try await host.statuses().contains { $0.hold?.contains("removal") == true } ? nil : true
      }
      #expect(try await host.answer().status == 200)
    }
  }
}
