import Display
import Foundation
import LedgerKit
import Model
import Testing
import Yams

@Suite struct OutputTests {
  private let web = TargetID("web", "production")

  private func status(version: String = "1.10", message: String = "serving") -> TargetStatus {
    let stack = StackSummary(
      name: "web-production-v042", generation: 42, version: version, commit: "0123456789abcdef",
      stackDigest: Digest.of("x"), role: "stable", weightPercent: 100, declared: 2, running: 2,
      healthy: 2, restarts: 0, endpoints: [Endpoint(instance: 0, host: "127.0.0.1", port: 9000)])
    return TargetStatus(
      target: web, source: "main", platform: "local", desiredVersion: version,
      desiredCommit: "0123456789abcdef", declaredDigest: Digest.of("d"), liveVersion: version,
      sync: .synced,
      conditions: [Condition(type: .ready, status: true, reason: "Serving", message: message)],
      stacks: [stack], listen: "127.0.0.1:8080", rollback: "switch",
      explanation: ["keeps web-production-v042"])
  }

  private func rolling(weight: Int) -> TargetStatus {
    var status = status()
    status.sync = .outOfSync
    status.stacks[0].weightPercent = weight
    status.rollout = RolloutSummary(
      strategy: .blueGreen, candidate: 42, from: 41, phase: "baking", cause: "commit",
      waitingFor: "waits for approval", elapsed: .seconds(80), of: .seconds(120))
    return status
  }

  @Test func `sources that are not well are told below, with their first problems`() {
    let problems = (1...12).map { Diagnostic(file: "a.yaml", line: $0, column: 2, message: "bad") }
    let sources = [
      SourceSummary(name: "fine", health: "current", targets: 1),
      SourceSummary(name: "gone", health: "held: no branch \"x\"", targets: 0),
      SourceSummary(name: "main", health: "current", targets: 1, diagnostics: problems),
    ]
    let text = Output().troubles(of: sources)
    #expect(
      text.hasPrefix("\n- source gone: held: no branch \"x\"\n\n- source main: current, 12 pr"))
    #expect(text.contains("- a.yaml:10:2: error: bad\n- … and 2 more\n"))
    #expect(!text.contains("a.yaml:11") && !text.contains("fine"))
    #expect(Output().troubles(of: [sources[0]]).isEmpty)
    #expect(Output(format: .json).troubles(of: sources).isEmpty)
  }

  @Test func `get is an aligned table`() {
    var held = rolling(weight: 0)
    held.target = TargetID("a", "b")
    held.hold = "Held(aborted)"
    #expect(
      Output().statuses([held, status()]) == """
        TARGET          VERSION  LIVE  SYNC       READY  STACK                ROLLBACK  DETAIL
        a@b             1.10     1.10  OutOfSync  Ready  web-production-v042  switch    Held(aborted)
        web@production  1.10     1.10  Synced     Ready  web-production-v042  switch    -

        """)
    #expect(Output().statuses([]) == "No targets.\n")
  }

  @Test func `colour is only there when asked for and does not move columns`() throws {
    let plain = Output().statuses([status()])
    let colored = Output(isColored: true).statuses([status()])
    #expect(!plain.contains("\u{1B}"))
    #expect(colored.contains("\u{1B}[32mSynced\u{1B}[0m"))
    let stripped = colored.replacing(try Regex("\u{1B}\\[[0-9]+m"), with: "")
    #expect(stripped == plain)
    #expect(!Output(format: .json, isColored: true).statuses([status()]).contains("\u{1B}"))
  }

  @Test func `describe shows stacks, conditions and explanation`() {
    #expect(
      Output().description(of: status()) == """
        web@production

        Source:    main
        Platform:  local
        Declared:  1.10 (commit 0123456789ab)
        Digest:    sha256:18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4
        Live:      1.10
        Sync:      Synced
        Ready:     Ready
        Listen:    127.0.0.1:8080
        Rollback:  switch

        STACK                ROLE    VERSION  COMMIT        DIGEST        WEIGHT  HEALTHY  RESTARTS  ENDPOINTS
        web-production-v042  stable  1.10     0123456789ab  2d711642b726  100 %   2/2      0         127.0.0.1:9000

        CONDITION  STATUS  REASON   MESSAGE
        Ready      True    Serving  serving

        - keeps web-production-v042

        """)
  }

  /// ANSI, cursor, title and line forging, direction override, zero width, tag characters.
  static let hostile = [
    "\u{1B}[2J", "a\nweb@production  Synced", "\r", "\u{9B}31m", "\u{202E}evil", "x\u{200B}y",
    "\u{2028}", "\u{7F}", "\u{E0041}", "\u{2066}", "a\tb", "\u{0}",
  ]

  @Test(arguments: hostile) func `text of others cannot act on a terminal`(text: String) throws {
    let entry = LedgerEntry(
      sequence: 1, at: WallTime(milliseconds: 0), kind: .note, message: text,
      details: ["k": .string(text)])
    let finding = Finding(word: .modified, resource: "r", path: "/p", expected: text, actual: text)
    for format in OutputFormat.allCases {
      let output = Output(format: format)
      let shown = [
        output.statuses([status(version: text, message: text)]), output.history([entry]),
        output.description(of: status(version: text, message: text)),
        output.findings([(web, [finding])]),
      ]
      for line in shown.joined().split(separator: "\n") {
        let bad = line.unicodeScalars.filter {
          [.control, .format, .lineSeparator].contains($0.properties.generalCategory)
            || $0.properties.isDefaultIgnorableCodePoint
        }
        #expect(bad.isEmpty, "\(format)")
      }
      if format == .table { #expect(output.history([entry]).split(separator: "\n").count == 2) }
    }
    #expect(!ProgressLine().text(status(version: text)).contains(text))
    // Machines get the text itself.
    let json = Data(Output(format: .json).history([entry]).utf8)
    let decoded = try JSONDecoder().decode([CanonicalValue].self, from: json)
    #expect(decoded.first?["message"] == .string(text))
    let yaml = try #require(try Yams.compose(yaml: Output(format: .yaml).history([entry])))
    #expect(yaml[0]?["message"]?.string == text)
  }

  @Test func `a broken chain says where in every form`() {
    let broken = ChainReport(entries: 6, checkpoints: 1, firstBroken: 7, reason: "a wrong MAC")
    #expect(
      Output().verification(broken)
        == "Chain:        broken at entry 7: a wrong MAC\nEntries:      6\nCheckpoints:  1\n")
    #expect(
      Output(format: .yaml).verification(broken)
        == "checkpoints: 1\nentries: 6\nfirstBroken: 7\nreason: a wrong MAC\n")
    #expect(
      Output(format: .json).verification(ChainReport(entries: 7, checkpoints: 0))
        == "{\n  \"checkpoints\": 0,\n  \"entries\": 7\n}\n")
  }

  @Test func `watching in JSON prints a line for each status that changed`() throws {
    var other = status()
    other.target = TargetID("api", "production")
    let json = Output(format: .json)
    let first = try #require(json.changes(from: [], to: [status(), other]))
    #expect(first.split(separator: "\n").count == 2)
    let next = try #require(
      json.changes(from: [status(), other], to: [rolling(weight: 5), other]))
    let decoded = try JSONDecoder().decode(CanonicalValue.self, from: Data(next.utf8))
    #expect(decoded["target"] == "web@production" && decoded["sync"] == "OutOfSync")
    #expect(json.changes(from: [other], to: [other])?.isEmpty == true)
    #expect(
      json.changes(from: [status(), other], to: [status()])
        == "{\"isGone\":true,\"target\":\"api@production\"}\n")
    let yaml = try #require(Output(format: .yaml).changes(from: [], to: [status(), other]))
    #expect(try Array(Yams.compose_all(yaml: yaml)).count == 2)
    #expect(Output().changes(from: [], to: [status()]) == nil)
  }

  @Test func `JSON is stable and a version stays text`() {
    let entry = LedgerEntry(
      sequence: 7, at: WallTime(milliseconds: 1000), kind: .intent, target: web, generation: 3,
      pass: 2, message: "launch", details: ["b": 1, "a": []])
    #expect(
      Output(format: .json).history([entry]) == """
        [
          {
            "at": "1970-01-01T00:00:01.000Z",
            "details": {
              "a": [],
              "b": 1
            },
            "generation": 3,
            "kind": "intent",
            "message": "launch",
            "pass": 2,
            "sequence": 7,
            "target": "web@production"
          }
        ]

        """)
  }

  @Test(arguments: [
    "1.10", "yes", "null", "0x10", "2026-01-01", "- a", "a: b", "", " x ", "~", "é",
  ])
  func `YAML keeps text text`(version: String) throws {
    let yaml = Output(format: .yaml).description(of: status(version: version))
    let node = try #require(try Yams.compose(yaml: yaml))
    #expect(node["desiredVersion"]?.string == version)
    #expect(node["desiredVersion"]?.tag.description.hasSuffix("str") == true)
    #expect(node["stacks"]?[0]?["healthy"]?.int == 2)
    #expect(node["isPaused"]?.bool == false)
  }

  @Test(arguments: [
    ("a|b", #"`a\|b`"#), ("@team", "`@team`"), ("<img src=x>", "`<img src=x>`"),
    ("`rm`", "`` `rm` ``"), ("https://evil.example", "`https://evil.example`"),
    ("plain words, 1.2", "plain words, 1.2"), ("[a](b)", "`[a](b)`"), ("a\nb", #"`a\nb`"#),
  ]) func `text of others is not markup in Markdown`(text: String, shown: String) {
    let finding = Finding(word: .added, resource: "r", path: "/p", actual: text)
    #expect(
      Output(format: .markdown).findings([(web, [finding])]) == """
        | TARGET | DRIFT | RESOURCE | PATH | EXPECTED | ACTUAL | BY |
        | --- | --- | --- | --- | --- | --- | --- |
        | `web@production` | ADDED | r | /p | `-` | \(shown) | `-` |

        """)
  }

  @Test func `plan says what is done and what is waited for`() {
    #expect(
      Output().plan([status()]) == """
        web@production

        - keeps web-production-v042
        - rollback: switch

        """)
    #expect(
      Output(format: .yaml).plan([status()]) == """
        - explanation:
          - keeps web-production-v042
          rollback: switch
          target: web@production

        """)
  }

  @Test func `wide characters keep the columns aligned`() {
    var first = status()
    first.liveVersion = "日本"
    let lines = Output().statuses([first, status()]).split(separator: "\n")
    #expect(lines[1].contains("日本  Synced"))
    #expect(lines[2].contains("1.10  Synced"))
  }

  @Test func `the progress line shows weight, phase, time and what is waited for`() {
    #expect(
      ProgressLine().text(rolling(weight: 50))
        == "web@production v041 → v042 [##########··········] 50 % baking 1m20s/2m: waits for approval"
    )
    #expect(ProgressLine(columns: 20).text(rolling(weight: 50)) == "web@production v041…")
    #expect(ProgressLine().text(status()) == "web@production 1.10 Synced")
  }
}
