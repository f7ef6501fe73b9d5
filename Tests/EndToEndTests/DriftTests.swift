import Foundation
import LedgerKit
import Model
import Support
import Testing

/// What people are told of changes by hand, by the real agent, whatever else is going on.
@Suite(.timeLimit(.minutes(15))) struct DriftTests {
  private let changed = "{\"greeting\": \"changed by hand\"}"

  @Test func `quietly: it is told in four words and replaced`() async throws {
    try await withHost(application: ["debounce: 3s": "debounce: 2s"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      #expect(try await host.run(["drift"]).contains("No drift: all is IN_SYNC."))
      try host.change(generation: 1, to: changed)
      let told = try await host.told("MODIFIED", code: 1)
      #expect(told.contains(try host.fourWords(1, changed)), "\(told)")
      #expect(try await host.alert("DriftDetected").contains("/files/settings.json"))
      try await host.serves(generation: 2)
      #expect(try await host.answer().status == 200)
    }
  }

  @Test func `in observe mode a new host shows what would be done`() async throws {
    try await withHost { host in
      try host.start(["run", "--mode", "observe"], failpoint: nil)
      let status = try await host.until("the target is shown") { try await host.status() }
      #expect(status.desiredVersion == "1.0.0")
      #expect(status.explanation.contains { $0.contains("would: ") }, "\(status.explanation)")
      #expect(try await host.run(["describe", "web@production"]).contains("observe mode"))
      #expect(host.pids(of: "viridian-keeper").isEmpty)
    }
  }

  @Test func `in observe mode: it is an alert, nothing is replaced and nobody is obeyed`()
    async throws
  {
    try await withHost(application: ["debounce: 3s": "debounce: 2s"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      host.kill()
      try host.start(["run", "--mode", "observe"], failpoint: nil)
      try host.change(generation: 1, to: changed)
      let alert = try await host.alert("DriftDetected")
      #expect(alert.contains("/files/settings.json"), "\(alert)")
      #expect(try await host.status()?.stacks.map(\.generation) == [1])
      let answer = try await host.answer(of: ["pause"])
      #expect(answer.code == 2 && answer.text.contains("only observes"), "\(answer)")
      host.kill()
      try host.start()
      try await host.serves(generation: 2)
    }
  }

  @Test func `during a rollout: it is told, and the rollout goes on`() async throws {
    try await withHost(application: ["deadline: 20s": "deadline: 60s"]) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.2.0")
      try await host.until("1.2.0 is being proven") {
        try await host.status()?.rollout.flatMap { $0.phase == "gating" ? true : nil }
      }
      try host.change(generation: 1, to: changed)
      let told = try await host.told("MODIFIED", code: 1)
      #expect(told.contains(try host.fourWords(1, changed)), "\(told)")
      #expect(try await host.status()?.rollout?.candidate == 2)
      // A revert would serve the changed stack again: it is replaced instead.
      try host.remote.revert()
      try await host.serves(generation: 3)
      #expect(try await host.status()?.liveVersion == "1.0.0")
    }
  }

  @Test func `before the gate: the candidate never gets traffic`() async throws {
    // So many passes in a row take five seconds: time to change it before its gate.
    try await withHost(
      application: [
        "interval: 500ms, healthyAfter: 3": "interval: 200ms, healthyAfter: 25",
        "deadline: 20s": "deadline: 60s",
      ],
      isLong: true
    ) { host in
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.until("1.1.0 is being proven") {
        try await host.status()?.rollout.flatMap { $0.phase == "gating" ? true : nil }
      }
      // An instance that starts just now must still start with it.
      try host.change(generation: 2, to: "{ \"version\": \"1.1.0\", \"audience\": \"a person\" }")
      let status = try await host.until("1.1.0 is quarantined") {
        try await host.status().flatMap { status in
          status.stacks.contains { $0.generation == 2 && $0.role == "quarantined" } ? status : nil
        }
      }
      #expect(status.liveVersion == "1.0.0")
      let words = "MODIFIED web-production-v002 release /files/settings.json: expected sha256:"
      #expect(status.hold?.contains(words) == true, "\(status.hold ?? "")")
      let writes = try await host.history([.intent]).filter { $0.message.contains("v002 100 %") }
      #expect(writes.isEmpty, "it was given traffic: \(writes.map(\.message))")
    }
  }

  @Test func `while a read fails: NOT_CHECKED, and what is changed beside it is found`()
    async throws
  {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      let release = "\(host.state)/local/stacks/web-production-v001/release"
      let bad = try BadFile("\(release)/web")
      defer { bad.heal() }
      let told = try await host.told("NOT_CHECKED", code: 0)
      #expect(told.contains("/files/web"), "\(told)")
      #expect(told.contains("Input/output error"), "\(told)")
      #expect(!told.contains("IN_SYNC"), "\(told)")
      let before = try #require(try await host.status())
      #expect(before.stacks.map(\.generation) == [1] && before.rollout == nil)
      try host.change(generation: 1, to: changed)
      let entry = try await host.until("the finding is recorded") {
        try await host.history([.finding]).first { $0.message.contains("settings.json") }
      }
      #expect(entry.message.contains("MODIFIED web-production-v001 release /files/settings.json"))
      try await host.serves(generation: 2)
    }
  }

  @Test func `a route that cannot be read is NOT_CHECKED, and nothing is written`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      let map = "\(host.state)/local/haproxy/maps/web.production.map"
      // The agent may write the file again in between.
      try await host.until("a directory lies there") {
        unlink(map) == 0 && mkdir(map, 0o755) == 0 ? true : nil
      }
      let told = try await host.told("NOT_CHECKED", code: 0)
      #expect(told.contains("route web@production"), "\(told)")
      #expect(try await host.status()?.sync == .unknown)
      #expect(try await host.answer().status == 200)
      try #require(rmdir(map) == 0)
      try await host.synced("1.0.0")
    }
  }
}

extension Host {
  fileprivate func settings(_ generation: Generation) -> String {
    "\(state)/local/stacks/web-production-\(generation)/release/settings.json"
  }

  /// Writes into the release by hand.
  fileprivate func change(generation: Generation, to text: String) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: settings(generation)))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  /// The line of the first alert for this reason, once it was delivered.
  fileprivate func alert(_ reason: String) async throws -> Substring {
    try await until("an alert \(reason)") {
      let alerts = try String(
        contentsOf: directory.appending(path: "alerts.jsonl"), encoding: .utf8)
      return alerts.split(separator: "\n").first { $0.contains(reason) }
    }
  }

  /// Resource, path, expected and actual of the change, as the table shows them.
  fileprivate func fourWords(_ generation: Generation, _ text: String) throws -> [String] {
    let file = Programs.examples.appending(path: "artifacts/web-1.0.0/settings.json")
    let expected = Digest.of(try String(contentsOf: file, encoding: .utf8))
    return [
      "web-production-\(generation) release", "/files/settings.json", "\(expected), mode 444",
      "\(Digest.of(text)), mode 444",
    ]
  }

  /// The output of `viridian drift` once it has this word and ends with this code.
  fileprivate func told(_ word: String, code: Int32) async throws -> String {
    // Each question is a program: not more of them than a person would start.
    try await until("drift says \(word) and ends with \(code)", every: .milliseconds(500)) {
      let answer = try await self.answer(of: ["drift"])
      return answer.code == code && answer.text.contains(word) ? answer.text : nil
    }
  }

  fileprivate func serves(generation: Generation) async throws {
    try await until("\(generation) serves") {
      try await self.status()?.stacks.first { stack in
        stack.generation == generation && stack.role == "stable" && stack.weightPercent == 100
      }
    }
  }
}

extension String {
  fileprivate func contains(_ words: [String]) -> Bool { words.allSatisfy { self.contains($0) } }
}
