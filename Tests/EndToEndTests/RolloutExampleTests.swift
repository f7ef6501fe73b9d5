import Foundation
import LedgerKit
import Model
import Support
import Testing

/// The examples of docs/rollouts.md, as they stand there, with their times made short.
@Suite(.timeLimit(.minutes(15))) struct RolloutExampleTests {
  static let names = [
    "blueGreen", "canary", "canary chosen", "canary judged", "canary approved",
    "tested", "rolling", "recreate",
  ]

  @Test func `every example that is marked is run`() throws {
    let marked = try Self.page().matches(of: /<!-- run: ([^>]*) -->/).map { String($0.1) }
    #expect(marked == Self.names + ["group"])
  }

  @Test(arguments: names) func `an example goes as it says`(_ name: String) async throws {
    let example = try Self.example(name)
    try await withHost(
      application: [
        "  rollout: { strategy: blueGreen, bake: 500ms, retain: { stacks: 1, for: 24h, quarantined: 24h } }\n":
          example
      ], isLong: true
    ) { host in
      if name == "tested" {
        try host.remote.preview(at: host.port + 1, beside: host.port)
        try host.remote.commit("A preview")
      }
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      if name == "canary approved" {
        try await host.until("it waits for a person") {
          let lines = try await host.status()?.explanation ?? []
          return lines.contains { $0.hasPrefix("waits for an approval") } ? true : nil
        }
        try await host.run(["approve", "rollout", "web@production"])
      }
      let status = try await host.synced("1.1.0", within: .seconds(120))
      #expect(status.stacks.first { $0.role == "stable" }?.weightPercent == 100)
      let steps = try await host.history([.decision]).filter { $0.message.contains("goes from") }
      // Of two instances the first goes before the second.
      let isShort = name == "rolling" || name == "canary chosen"
      #expect(steps.count == (isShort ? 1 : name.hasPrefix("canary") ? 2 : 0))
      try host.remote.revert()
      try await host.synced("1.0.0", within: .seconds(120))
      #expect(try await host.answer().body.contains("1.0.0"))
    }
  }

  /// One commit changes both; then one that fails.
  @Test func `a group goes as it says`() async throws {
    let example = try Self.example("group")
    try await withHost(keeping: ["web@production", "mailer@production"], isLong: true) { host in
      let web = "environments/production/web.yaml"
      let mailer = "applications/mailer/application.yaml"
      for file in [web, "environments/production/mailer.yaml"] {
        try host.remote.edit(
          file, ["  environment: production\n": "  environment: production\n\(example)"])
      }
      try host.remote.commit("A group")
      try host.start()
      try await host.synced("1.0.0")
      try await host.synced("1.0.0", "mailer@production")

      try host.remote.edit(mailer, ["--every, \"2\"": "--every, \"3\""])
      try host.remote.edit(web, ["version: 1.0.0": "version: 1.1.0"])
      try host.remote.commit("Both")
      try await host.until("it waits for its group") {
        let gates = try await host.status()?.rollout?.gates ?? []
        return gates.contains { $0.name == "group" && $0.state == .waiting } ? true : nil
      }
      try await host.synced("1.1.0")
      let promoted = try await host.history([.decision]).filter {
        $0.message.contains("is stable after v001")
      }
      #expect(promoted.count == 2 && promoted.first?.at == promoted.last?.at)

      try host.remote.edit(mailer, ["./mailer, ": "./nothing, "])
      try host.remote.edit(web, ["version: 1.1.0": "version: 1.2.0"])
      try host.remote.commit("Both, and one is wrong")
      let held = try await host.until("it is held with its group") {
        let status = try await host.status()
        return status?.hold?.hasPrefix("Held(group)") == true ? status : nil
      }
      #expect(held.liveVersion == "1.1.0")
      try host.remote.revert()
      try await host.synced("1.1.0")
    }
  }

  private static func page() throws -> String {
    try String(contentsOf: Programs.root.appending(path: "docs/rollouts.md"), encoding: .utf8)
  }

  /// Below `spec`, every duration a second, but for the deadline of a verdict.
  private static func example(_ name: String) throws -> String {
    let page = try page()
    let begin = try #require(page.range(of: "<!-- run: \(name) -->\n```yaml\n")?.upperBound)
    let end = try #require(page.range(of: "```", range: begin..<page.endIndex)?.lowerBound)
    let short = page[begin..<end].replacing(/(bake|within): [0-9]+[mh]/) { "\($0.1): 1s" }
    return short.split(separator: "\n").map { "  \($0)\n" }.joined()
      .replacing("within: 1s", with: "within: 60s")
  }
}
