import Foundation
import Model
import Support
import Testing

/// What a broken, rewritten or shrunken repository must never do.
@Suite(.timeLimit(.minutes(15))) struct SourceTests {
  private func health(_ host: Host) async throws -> String {
    try await host.agentStatus().sources.first?.health ?? ""
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

  @Test func `an artifact that the repository does not hold stalls at once, and names its line`()
    async throws
  {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "9.9.9")
      let text = try await host.run(
        ["wait", "web@production", "--version", "9.9.9", "--timeout", "30s"], expecting: 3)
      #expect(text.contains("environments/production/web.yaml:"))
      #expect(text.contains("the repository has no \"artifacts/web-9.9.9\""))
      #expect(try await host.status()?.condition(.stalled)?.status == true)
      #expect(try await host.answer().body.contains("1.0.0"))
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
    }
  }

  @Test func `what goes wrong is told where people look`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.write(
        "environments/production/other.yaml",
        "apiVersion: viridian.dev/v1alpha1\nkind: Target\nmetadata: { name: x }\nspec: { a: 1 }\n")
      try host.remote.commit("a wrong document")
      try await host.until("the problem is known") {
        try await host.agentStatus().sources.contains { !$0.diagnostics.isEmpty } ? true : nil
      }
      let place = "environments/production/other.yaml:4:"
      #expect(try await host.run(["get"]).contains(place))
      #expect(try await host.run(["describe", "web@production"]).contains(place))
      let log = try String(contentsOf: host.logFile, encoding: .utf8)
      #expect(log.contains("a declaration is wrong") && log.contains(place))

      let known = "known: web@production"
      #expect(try await host.run(["wait", "nope@x"], expecting: 2).contains(known))
      #expect(try await host.run(["pause", "nope@x"], expecting: 2).contains(known))
      let late = try await host.run(
        ["wait", "web@production", "--version", "7", "--timeout", "1s"], expecting: 3)
      #expect(late.contains("not synced within 1s\n- "), "\(late)")
      let logs = try await host.run(["logs", "web@nowhere"], expecting: 2)
      #expect(logs.contains("(404): web@nowhere has no stack here"), "\(logs)")
      let ninth = try await host.run(["logs", "web@production", "--generation", "9"], expecting: 2)
      #expect(ninth.contains("has no stack v009 here"), "\(ninth)")
      let backup = try await host.run(["backup", "/nope/x"], expecting: 2)
      #expect(backup.contains("cannot write /nope/x: there is no directory /nope"), "\(backup)")
      let file = host.directory.appending(path: "backup").path
      try await host.run(["backup", file])
      #expect(try await host.run(["backup", file], expecting: 2).contains("is there already"))
      try await host.run(["backup", host.directory.path], expecting: 2)
      #expect(!FileManager.default.fileExists(atPath: host.directory.path + ".partial"))
    }
  }

  @Test func `a branch that is not there is told by get`() async throws {
    try await withHost { host in
      try host.write(
        source: "{ name: main, url: \"file://\(host.remote.path)\", branch: nowhere, poll: 5s }")
      try host.start()
      try await host.until("the source is held") {
        try await health(host).hasPrefix("held") ? true : nil
      }
      #expect(try await host.run(["get"]).contains("No targets.\n\n- source main: held: "))
      let log = try String(contentsOf: host.logFile, encoding: .utf8)
      #expect(log.contains("source held") && log.contains("nowhere"))
    }
  }

  @Test func `plan shows what a commit removes`() async throws {
    try await withHost(keeping: ["web@production", "web@staging"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      try await host.synced("1.1.0", "web@staging")
      try host.remote.remove("environments/staging/web.yaml")
      let directory = ["--directory", host.directory.appending(path: "clone").path]
      let text = try await host.run(["plan", "--base", "HEAD"] + directory, expecting: 1)
      #expect(text.contains("web@staging") && !text.contains("web@production"), "\(text)")
      let wrong = try await host.run(["plan", "--source", "x"] + directory, expecting: 2)
      #expect(wrong.contains("known: main"))
    }
  }

  @Test func `lint of what is no directory is an error`() async throws {
    let directory = try TemporaryDirectory()
    let url = URL(filePath: directory.path(""))
    for path in ["nosuchdir", "/etc/passwd"] {
      let answer = try await execute(Programs.viridian.path, ["lint", path], in: url)
      #expect(answer.code == 2, "\(answer.text)")
      #expect(answer.text.contains(path))
    }
    withExtendedLifetime(directory) {}
  }

  @Test func `lint over all sources finds a target that two declare`() async throws {
    let directory = try TemporaryDirectory()
    for name in ["shop", "team"] {
      try FileManager.default.copyItem(
        at: Programs.examples, to: URL(filePath: directory.path(name)))
    }
    let url = URL(filePath: directory.path(""))
    let alone = try await execute(Programs.viridian.path, ["lint", "shop"], in: url)
    #expect(alone.code == 0, "\(alone.text)")
    let both = try await execute(Programs.viridian.path, ["lint", "shop", "team"], in: url)
    #expect(both.code == 1)
    #expect(
      both.text.contains(
        "web@production is declared by team (team/environments/production/web.yaml:"))
    #expect(both.text.contains("shop/environments/production/web.yaml:"))
    withExtendedLifetime(directory) {}
  }
}
