import Foundation
import LedgerKit
import Model
import Support
import Testing
import Transport

/// One agent that serves the targets of some lanes, and what must stay as it is whatever the lanes'
/// repositories and servers do.
final class HostileStage {
  let host: Host
  let lanes: [Lane]
  /// A file that some case would make, if it got a shell.
  let probe: String
  private let http: HTTPClient
  private var before = Standing()
  private var alerts: [String: Int] = [:]

  /// Everything outside of the agent's head that a mutation would change.
  private struct Standing: Equatable {
    var mutations = 0
    var configuration: [String: Data] = [:]
    var processes: Set<String> = []
  }

  init(_ host: Host, _ lanes: [Lane]) throws {
    self.host = host
    self.lanes = lanes
    probe = host.directory.appending(path: "probe").path
    http = try HTTPClient(connections: 4)
  }

  /// Starts the agent with these sources, and waits until every lane serves.
  func start(sources: [String]) async throws {
    let secrets = host.directory.appending(path: "secrets").path
    try writeFile("\(secrets)/canary", Array(Self.secret.utf8), mode: 0o600)
    for lane in lanes { lane.state = host.state }
    try host.write(source: sources.joined(separator: "\n  - "))
    let file = URL(fileURLWithPath: host.configuration)
    // Passes in quick succession: what a commit starts would show within two of them.
    let text = try String(contentsOf: file, encoding: .utf8)
      .replacing("interval: 500ms", with: "interval: 100ms")
      .appending("secrets: { directory: \(secrets) }\n")
    try Data(text.utf8).write(to: file)
    try host.start()
    for lane in lanes { try await host.synced("1.0.0", lane.target) }
    before = try await standing()
    for lane in lanes { alerts[lane.name] = try alertCount(lane) }
  }

  // MARK: - Rounds

  /// One case in each of some lanes at the same time, then the good state again in all of them.
  func round(_ pairs: [(lane: Lane, item: HostileCase)]) async throws {
    var commits: [String: String] = [:]
    for (lane, item) in pairs { commits[lane.name] = try lane.commit(item, probe: probe) }
    var waiting = pairs
    try await host.until(
      "\(pairs.map(\.item.title)) are judged", within: .seconds(200), every: .milliseconds(20)
    ) {
      let sources = try await sources()
      waiting.removeAll { lane, item in
        sources[lane.name].map { isSettled($0, item, commits[lane.name]) } ?? false
      }
      return waiting.isEmpty ? true : nil
    }
    let passes = try await host.agentStatus().passes
    try await host.until("two passes are over", every: .milliseconds(20)) {
      try await host.agentStatus().passes >= passes + 2 ? true : nil
    }
    for (lane, item) in pairs { try await check(lane, item, commits[lane.name]) }
    try await checkStanding("after \(pairs.map(\.item.title))")
  }

  /// A good commit in each lane, and all is as it was. `honestly`: called when the commits are there;
  /// before that an honest server would give the agent those of the cases.
  func repair(
    _ pairs: [(lane: Lane, item: HostileCase)], honestly: (Lane) throws -> Void
  ) async throws {
    var commits: [String: String] = [:]
    for (lane, item) in pairs {
      let isOnTop = item.lane == .plain && !item.isRewritten
      let tip = isOnTop ? try lane.repository.tip() : nil
      commits[lane.name] = try lane.repair(on: tip)
    }
    for (lane, _) in pairs { try honestly(lane) }
    let limit = pairs.contains { $0.item.isSlow } ? Duration.seconds(240) : .seconds(90)
    try await host.until(
      "good commits are taken after \(pairs.map(\.item.title))", within: limit
    ) {
      let sources = try await sources()
      return pairs.allSatisfy { lane, _ in
        guard let source = sources[lane.name] else { return false }
        return source.isCurrent && source.commit?.rawValue == commits[lane.name]
          && source.diagnostics.isEmpty
      } ? true : nil
    }
    try await checkStanding("after good commits")
    for lane in lanes { alerts[lane.name] = try alertCount(lane) }
  }

  private func sources() async throws -> [String: SourceSummary] {
    Dictionary(try await host.agentStatus().sources.map { ($0.name.rawValue, $0) }) { $1 }
  }

  /// The agent has made up its mind, whatever it is.
  private func isSettled(_ source: SourceSummary, _ item: HostileCase, _ commit: String?) -> Bool {
    !source.isCurrent || (commit != nil && source.commit?.rawValue == commit)
  }

  // MARK: - What a case must come to

  private func check(_ lane: Lane, _ item: HostileCase, _ commit: String?) async throws {
    let source = try #require(try await sources()[lane.name])
    let status = try #require(try await host.status(lane.target))
    let isTaken = source.isCurrent && source.commit?.rawValue == commit
    let whole = "\(item): \(source.health) \(source.diagnostics)"
    switch item.expectation {
    case .neutral: #expect(isTaken && source.diagnostics.isEmpty, "\(whole)")
    case .deny:
      #expect(!source.isCurrent || status.condition(.ready)?.status != true, "\(whole) \(status)")
    case .hold:
      #expect(!source.isCurrent, "it was taken: \(whole)")
      if item.isAlert { try await checkAlert(lane, item) }
    case .reject:
      #expect(!source.isCurrent || !source.diagnostics.isEmpty, "it was taken: \(whole)")
      for file in item.named {
        let path = file.replacing("{lane}", with: lane.name)
        #expect(source.diagnostics.contains { $0.file == path }, "\(path) is not named: \(whole)")
      }
    }
    #expect(status.liveVersion == "1.0.0", "\(item)")
    #expect(status.stacks.count == 1 && status.rollout == nil, "\(item): \(status)")
    try await checkWords(lane, item, source)
    #expect(try await answers(lane), "\(item)")
    #expect(!FileManager.default.fileExists(atPath: probe), "\(item) ran a command")
  }

  /// People are told, in words that a terminal cannot take for commands.
  private func checkWords(
    _ lane: Lane, _ item: HostileCase, _ source: SourceSummary
  ) async throws {
    let get = try await host.run(["get"])
    let describe = try await host.run(["describe", lane.target])
    for said in item.says.map({ $0.replacing("{lane}", with: lane.name) }) {
      #expect(get.contains(said), "\(item): get does not say \"\(said)\":\n\(get)")
    }
    if item.expectation != .neutral {
      let word = source.isCurrent ? "problem" : "source \(lane.name): "
      #expect(
        describe.contains(word) || describe.contains("Stalled"), "\(item): describe:\n\(describe)")
    }
    let history = item.rows.contains("ui-text") ? try await host.run(["history"]) : ""
    for text in [get, describe, history] {
      let bad = text.unicodeScalars.first {
        ($0.value < 0x20 && $0 != "\n") || (0x7F...0x9F).contains($0.value)
          || (0x202A...0x202E).contains($0.value)
      }
      #expect(bad == nil, "\(item): a control character is shown")
    }
  }

  private func checkAlert(_ lane: Lane, _ item: HostileCase) async throws {
    let old = alerts[lane.name] ?? 0
    try await host.until("\(item) is an alert", within: .seconds(10)) {
      try alertCount(lane) > old ? true : nil
    }
  }

  private func alertCount(_ lane: Lane) throws -> Int {
    let path = host.directory.appending(path: "alerts.jsonl").path
    guard let data = FileManager.default.contents(atPath: path) else { return 0 }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").count {
      $0.contains("SourceHeld") && $0.contains("source \(lane.name) is held")
    }
  }

  private func answers(_ lane: Lane) async throws -> Bool {
    var request = HTTPRequest("GET", url: "http://127.0.0.1:\(lane.port)/version")
    request.allowedSchemes = [.http]
    let response = try await http.send(request)
    return response.status == 200
      && String(decoding: response.body, as: UTF8.self).contains("1.0.0")
  }

  /// What is not ours lies where it lay; then it goes, for it would be in the way of the uninstaller.
  func checkForeign() throws {
    for path in lanes.flatMap(\.foreign) {
      var status = stat()
      #expect(lstat(path, &status) == 0, "\(path) is gone")
      try FileManager.default.removeItem(atPath: path)
    }
  }

  // MARK: - What must not change

  private func checkStanding(_ when: String) async throws {
    var now = try await standing()
    // A child that has not yet become what it is to be looks like its parent for a moment.
    for _ in 0..<500 where now.processes != before.processes {
      try await Task.sleep(for: .milliseconds(20))
      now = try await standing()
    }
    if now.mutations != before.mutations {
      Issue.record("\(when), something was done:\n\(await host.told())")
    }
    #expect(now.configuration == before.configuration, "\(when), HAProxy's files have changed")
    #expect(now.processes == before.processes, "\(when), processes came or went")
    before = now
  }

  private func standing() async throws -> Standing {
    var standing = Standing()
    standing.mutations = try await host.history([.intent, .outcome]).last?.sequence ?? 0
    let root = "\(host.state)/local"
    for path in try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
    where path.hasSuffix(".cfg") || path.hasSuffix(".map") {
      standing.configuration[path] = FileManager.default.contents(atPath: "\(root)/\(path)")
    }
    standing.processes = Set(
      host.processes().filter { line in
        ["haproxy", "viridian-keeper", "--port", " run --config"].contains { line.contains($0) }
          && !line.contains("source-worker")
      })
    return standing
  }

  /// A source of its own that must never be read.
  func checkExtra(_ index: Int, _ item: HostileCase) async throws {
    let source = try #require(try await sources()["extra\(index)"])
    #expect(!source.isCurrent && source.commit == nil, "\(item): \(source.health)")
    for said in item.says { #expect(source.health.contains(said), "\(item): \(source.health)") }
  }

  /// The secret that every lane's application holds is nowhere but there.
  func findSecret() async throws {
    var texts: [String: Data] = [:]
    let verbs = [["get"], ["history", "--limit", "10000"], ["drift"]]
    let descriptions = lanes.map { ["describe", $0.target] }
    for words in verbs + descriptions {
      for output in ["table", "json"] {
        let answer = try await host.answer(of: words + ["--output", output])
        texts["\(words) \(output)"] = Data(answer.text.utf8)
      }
    }
    for process in host.processes() { texts[process] = Data(process.utf8) }
    for path in try FileManager.default.subpathsOfDirectory(atPath: host.directory.path)
    where !path.hasPrefix("secrets/") {
      texts[path] = FileManager.default.contents(atPath: "\(host.directory.path)/\(path)")
    }
    #expect(texts.count > 50)
    for (place, data) in texts {
      #expect(data.range(of: Data(Self.secret.utf8)) == nil, "the secret is in \(place)")
    }
  }

  static let secret = "canary-\(UInt64.random(in: 0...UInt64.max))"

  /// What is asked on the control socket is answered, and nothing comes of it.
  func ask(_ item: HostileCase) async throws {
    let words = (item.make ?? "").split(separator: " ", maxSplits: 3).map(String.init)
    if words.first == "find-secret" { return try await findSecret() }
    guard words.count > 2 else { throw Unexpected("\(item) asks nothing") }
    var request = HTTPRequest(words[1], url: "http://agent\(words[2])")
    request.unixSocket = "\(host.state)/agent.sock"
    request.allowedSchemes = [.http]
    if words.count > 3 { request.body = Array(words[3].utf8) }
    let response = try await http.send(request)
    #expect(response.status < 500, "\(item): \(response.status)")
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(!text.contains("root:"), "\(item): \(text)")
    try await checkStanding("\(item)")
  }
}
