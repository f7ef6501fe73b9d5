import Foundation
import HAProxyRouter
import Model
import Testing

/// One change that a person makes to a running HAProxy or its files, and what must be said.
struct RouteChange: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var make: @Sendable (RouteScene) async throws -> Void
  /// Asked after the change was made.
  var findings: @Sendable (RouteScene) throws -> [Told]
  /// It is a change of one server, which may be the candidate's.
  var isOfServer = false

  /// The four words that people are told.
  struct Told: Hashable {
    var word: Finding.Word
    var path: String
    var expected: String?
    var actual: String?
    init(_ word: Finding.Word, _ path: String, _ expected: String?, _ actual: String?) {
      (self.word, self.path, self.expected, self.actual) = (word, path, expected, actual)
    }
  }
}

/// Every field of a route, changed by hand in at least one row.
let routeTable: [RouteChange] =
  serverChanges + mapChanges + listenerChanges
  + ["10-web.production.cfg", "web.production.map", "00-global.cfg"].flatMap(fileChanges)

private func server(
  _ commands: String, _ field: String, _ expected: String?, _ actual: String?,
  _ word: Finding.Word = .modified
) -> RouteChange {
  RouteChange(testDescription: commands) {
    try $0.run(commands)
  } findings: { scene in
    let address = "127.0.0.1:\(scene.port)"
    return [
      RouteChange.Told(
        word, "/servers/\(scene.slot)/\(scene.server)\(field)",
        expected == "ADDRESS" ? address : expected, actual)
    ]
  }
}

private let serverChanges = [
  server("set weight S 0", "/weight", "1", "0 UP"),
  server("set weight S 7", "/weight", "1", "7 UP"),
  server("set server S state maint", "/state", "ready", "MAINT"),
  server("set server S state drain", "/state", "ready", "DRAIN"),
  server("disable health S", "/check", "enabled", "disabled"),
  server("set maxconn server S 5", "/maxconn", "0", "5"),
  server(
    "set server S addr 127.0.0.9 port 9", "/address", "ADDRESS", "127.0.0.9:9"),
  server("set server S state maint; del server S", "", "ADDRESS", nil, .deleted),
].map { change in
  var change = change
  change.isOfServer = true
  return change
}

private func map(
  _ commands: String, _ actual: @escaping @Sendable (RouteScene) -> String
) -> RouteChange {
  RouteChange(testDescription: commands) {
    try $0.run(commands)
  } findings: { scene in
    [RouteChange.Told(.modified, "/split", scene.split(), actual(scene))]
  }
}

private let mapChanges = [
  map("set map M 0 be_web.production_h4") {
    $0.split(shares: "be_web.production_h0=99 be_web.production_h4=1")
  },
  map("del map M 17") { $0.split(shares: "be_web.production_h0=99 nothing=1") },
  map("set map M fallback be_web.production_t3") { $0.split(["fallback": "be_web.production_t3"]) },
  map("del map M fallback") { $0.split(["fallback": ""]) },
  map("set map M path-h0 /other") { $0.split(["path-h0": "/other"]) },
  map("set map M stack-h0 v009/other") { $0.split(["stack-h0": "v009/other"]) },
  map("set map M preview be_web.production_h4") { $0.split(["preview": "be_web.production_h4"]) },
  map("del map M preview") { $0.split(["preview": ""]) },
  map("clear map M") { _ in "nothing=100" },
  map("add map M stranger x") { $0.split(["stranger": "x"]) },
  RouteChange(testDescription: "the split of a worker that a reload left behind") { scene in
    try await scene.leaveWorkerBehind()
    try scene.bench.old("set map \(scene.mapFile) 0 be_web.production_h4")
  } findings: { scene in
    let pid = try #require(try scene.bench.oldWorkers().first)
    return [
      RouteChange.Told(
        .modified, "/old-workers/\(pid)/split", scene.split(),
        scene.split(shares: "be_web.production_h0=99 be_web.production_h4=1"))
    ]
  },
]

private func listener(
  _ commands: String, _ path: String, _ expected: String?, _ actual: String?,
  _ word: Finding.Word = .modified
) -> RouteChange {
  RouteChange(testDescription: commands) {
    try $0.run(commands)
  } findings: { scene in
    func fill(_ text: String?) -> String? {
      text?.replacing("ADDRESS", with: "127.0.0.1:\(scene.bench.port)")
        .replacing("PREVIEW", with: "127.0.0.1:\(scene.bench.previewPort)")
    }
    return [RouteChange.Told(word, path, fill(expected), fill(actual))]
  }
}

private let listenerChanges = [
  listener("disable frontend fe_web.production", "/listen/status", "OPEN", "PAUSED"),
  listener("set maxconn frontend fe_web.production 9", "/listen/maxconn", "4000", "9"),
  listener(
    "shutdown frontend fe_web.production", "/listen", "http ADDRESS OPEN", "http ADDRESS STOP"),
  listener("disable frontend pv_web.production", "/preview/status", "OPEN", "PAUSED"),
  listener("set maxconn frontend pv_web.production 9", "/preview/maxconn", "4000", "9"),
  listener(
    "shutdown frontend pv_web.production", "/preview", "http PREVIEW OPEN", "http PREVIEW STOP"),
  listener(
    "add server be_web.production_h0/stranger 127.0.0.1:9 weight 1",
    "/servers/h0/stranger", nil, "127.0.0.1:9", .added),
  listener(
    "add server be_web.production_h3/stranger 127.0.0.1:9 weight 1",
    "/servers/h3/stranger", nil, "127.0.0.1:9", .added),
]

/// A file is edited, emptied and deleted.
private func fileChanges(_ name: String) -> [RouteChange] {
  @Sendable func path(_ scene: RouteScene) -> String {
    let folder = name.hasSuffix(".map") ? "maps" : "conf.d"
    return "\(scene.bench.settings.directory)/\(folder)/\(name)"
  }
  func change(
    _ verb: String, _ word: Finding.Word, _ make: @escaping @Sendable (String) throws -> Void
  ) -> RouteChange {
    RouteChange(testDescription: "\(name) is \(verb)") { scene in
      let path = path(scene)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try text.write(toFile: path + ".before", atomically: true, encoding: .utf8)
      try make(path)
    } findings: { scene in
      let path = path(scene)
      let before = try String(contentsOfFile: path + ".before", encoding: .utf8)
      try FileManager.default.removeItem(atPath: path + ".before")
      let now = FileManager.default.contents(atPath: path).map {
        String(decoding: $0, as: UTF8.self)
      }
      return [RouteChange.Told(word, "/files/\(name)", short(before), now.map(short))]
    }
  }
  return [
    change("edited", .modified) { path in
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try (text + "# by hand\n").write(toFile: path, atomically: true, encoding: .utf8)
    },
    change("emptied", .modified) { try "".write(toFile: $0, atomically: true, encoding: .utf8) },
    change("deleted", .deleted) { try FileManager.default.removeItem(atPath: $0) },
  ]
}

private func short(_ text: String) -> String { "sha256:\(Digest.of(text).short)…" }
