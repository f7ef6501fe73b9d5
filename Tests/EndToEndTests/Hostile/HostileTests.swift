import Foundation
import Model
import Support
import Testing

/// The corpus, case by case, through Git, the agent, HAProxy, the ledger and the command line.
///
/// Of each case its first value, none of the slow ones. `VIRIDIAN_HOSTILE=all`: all of them.
/// `VIRIDIAN_HOSTILE=text`: those whose title has it.
@Suite(.timeLimit(.minutes(60))) struct HostileTests {
  private let corpus: Corpus

  init() throws { corpus = try Corpus.read() }

  private func cases(_ lanes: HostileCase.Lane...) -> [HostileCase] {
    let wanted = ProcessInfo.processInfo.environment["VIRIDIAN_HOSTILE"] ?? ""
    return corpus.cases.filter { item in
      guard lanes.contains(item.lane) else { return false }
      if wanted.isEmpty { return !item.isSlow && !item.isVariation }
      return wanted == "all" || item.title.contains(wanted)
    }
  }

  /// Cases of one kind go round the lanes of that kind, as many at a time as there are lanes.
  private func run(
    _ stage: HostileStage, _ lanes: [HostileCase.Lane: [Lane]],
    before: (Lane, HostileCase) throws -> Void,
    after: (Lane) throws -> Void
  ) async throws {
    var waiting = lanes.mapValues { _ in [HostileCase]() }
    for kind in lanes.keys { waiting[kind] = cases(kind) }
    while waiting.values.contains(where: { !$0.isEmpty }) {
      var pairs: [(lane: Lane, item: HostileCase)] = []
      for (kind, own) in lanes {
        let now = waiting[kind]?.prefix(own.count) ?? []
        waiting[kind]?.removeFirst(now.count)
        pairs += zip(own, now).map { ($0, $1) }
      }
      for (lane, item) in pairs { try before(lane, item) }
      do {
        try await stage.round(pairs)
      } catch {
        Issue.record("\(pairs.map(\.item.title)): \(error)")
      }
      try await stage.repair(pairs, honestly: after)
    }
  }

  @Test
  func `no commit, stack or request of the corpus changes anything, and a good commit goes on`()
    async throws
  {
    let plain = try (1...4).map { try Lane("plain\($0)") }
    let signed = try Lane("signed", folder: "deploy", keys: try SignerKeys())
    try await withHost(isLong: true) { host in
      let stage = try HostileStage(host, plain + [signed])
      var sources = plain.map {
        "{ name: \($0.name), url: \"file://\($0.repository.path)\", branch: main, poll: 5s }"
      }
      sources.append(
        "{ name: signed, url: \"file://\(signed.repository.path)\", branch: main, path: deploy, "
          + "poll: 5s, \(signed.keys?.verify ?? "") }")
      try await stage.start(sources: sources)
      try await run(
        stage, [.plain: plain, .signed: [signed]], before: { _, _ in }, after: { _ in })
      for item in cases(.control) { try await stage.ask(item) }
      try await bump(stage)
    }
  }

  @Test func `no server of the corpus changes anything, and an honest one goes on`() async throws {
    let root = try TemporaryDirectory()
    let servers = try (1...4).map { _ in try LyingServer(root: root.path) }
    defer { for server in servers { server.stop() } }
    let http = try (1...4).map { try Lane("http\($0)", at: root.path) }
    let https = try TLSLane()
    let ssh = try SSHLane()
    defer {
      https.server.stop()
      ssh.server.stop()
    }
    let extra = cases(.extra)
    try await withHost(isLong: true) { host in
      let stage = try HostileStage(host, http + [https.lane, ssh.lane])
      var sources = zip(http, servers).map {
        "{ name: \($0.name), url: \"\($1.url)/\($0.name).git\", branch: main, poll: 5s, "
          + "allowInsecureHTTP: true, listDeadline: 3s, fetchDeadline: 3s }"
      }
      sources += [https.source, ssh.source]
      for (index, item) in extra.enumerated() {
        sources.append("{ name: extra\(index), \(item.source ?? "") }")
      }
      try await stage.start(sources: sources)
      try await run(stage, [.http: http, .https: [https.lane], .ssh: [ssh.lane]]) { lane, item in
        let order = item.server ?? ""
        switch item.lane {
        case .https: try https.obey(order)
        case .ssh: try ssh.obey(order)
        default:
          for (own, server) in zip(http, servers) where own.name == lane.name { server.obey(order) }
        }
      } after: { lane in
        for (own, server) in zip(http, servers) where own.name == lane.name { server.obey("") }
        if lane.name == https.lane.name { try https.obey("") }
        if lane.name == ssh.lane.name { try ssh.obey("") }
      }
      for (index, item) in extra.enumerated() { try await stage.checkExtra(index, item) }
      try await bump(stage)
    }
  }

  /// All lanes get a new version at the end: what they went through has left nothing behind.
  private func bump(_ stage: HostileStage) async throws {
    for lane in stage.lanes {
      lane.bump()
      _ = try lane.repair()
    }
    for lane in stage.lanes { try await stage.host.synced("1.1.0", lane.target) }
    try stage.checkForeign()
  }

  @Test func `the agent does not start with a source that could be taken for something else`()
    async throws
  {
    for item in cases(.start) {
      let directory = try TemporaryDirectory()
      let probe = directory.path("probe")
      let source = (item.source ?? "").replacing("{probe}", with: probe)
      try directory.write(
        "viridian.yaml",
        """
        owner: hostile
        state: \(directory.path("state"))
        sources:
          - { name: main, \(source) }
        platforms:
          - { name: local, kind: local }

        """)
      let answer = try await execute(
        Programs.viridian.path, ["run", "--config", directory.path("viridian.yaml")],
        in: URL(filePath: directory.path), within: .seconds(30))
      #expect(answer.code != 0 && answer.code < 128, "\(item): \(answer)")
      for said in item.says { #expect(answer.text.contains(said), "\(item): \(answer.text)") }
      #expect(!FileManager.default.fileExists(atPath: probe), "\(item) ran a command")
    }
  }
}
