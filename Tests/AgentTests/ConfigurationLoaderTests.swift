import Agent
import Foundation
import GitSource
import Model
import Planning
import PlatformKit
import Testing

/// Flags over variables over the file, by one table.
@Suite struct ConfigurationLoaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The user stands in `here`; the file lies beside it.
  private func load(
    _ file: String? = nil, flags: [String: [String]] = [:], variables: [String: String] = [:]
  ) throws(AgentError) -> AgentConfiguration {
    let path = directory.path("viridian.yaml")
    if let file {
      #expect(FileManager.default.createFile(atPath: path, contents: Data(file.utf8)))
    }
    return try ConfigurationLoader.load(
      file: file == nil ? nil : path, flags: flags, variables: variables,
      directory: directory.path("here"))
  }

  private func problem(
    _ file: String? = nil, flags: [String: [String]] = [:], variables: [String: String] = [:]
  ) -> String {
    do throws(AgentError) {
      _ = try load(file, flags: flags, variables: variables)
      return "no problem"
    } catch {
      return error.description
    }
  }

  @Test func `a flag wins over a variable, and a variable over the file`() throws {
    let file = "limits: { removals: 1, removalsPercent: 7 }\n"
    let variables = ["VIRIDIAN_LIMITS_REMOVALS": "2", "VIRIDIAN_OWNER": "shop"]
    #expect(try load(file).limits.removals == 1)
    #expect(try load(file, variables: variables).limits.removals == 2)
    let all = try load(file, flags: ["limits.removals": ["3"]], variables: variables)
    #expect(all.limits.removals == 3)
    // What is beside it in the file stays.
    #expect(all.limits.removalsPercent == 7)
    #expect(all.owner == "shop")
  }

  @Test func `an agent needs no file`() throws {
    let configuration = try load(
      flags: [
        "sources": [
          "{ name: main, url: \"https://git.example.org/a.git\", branch: live }",
          "[{ name: team, url: \"https://git.example.org/b.git\", tag: v1, poll: 5s }]",
        ],
        "environments": ["production", "[staging]"],
      ],
      variables: [
        "VIRIDIAN_PLATFORMS": #"[{"name": "local", "kind": "local", "ports": "21000-21999"}]"#,
        "VIRIDIAN_ALERTS_WEBHOOK_URL": "https://chat.example.org/1",
        "VIRIDIAN_ALERTS_WEBHOOK_SECRET_FILE": "hook.secret",
        "VIRIDIAN_HISTORY_KEEP_FOR": "24h",
      ])
    #expect(configuration.sources.map(\.source.name) == ["main", "team"])
    #expect(configuration.sources.map(\.source.reference) == [.branch("live"), .tag("v1")])
    #expect(configuration.sources[1].poll == .seconds(5))
    #expect(configuration.environments == ["production", "staging"])
    #expect(configuration.platforms.map(\.firstPort) == [21_000])
    #expect(configuration.webhook?.secretFile == directory.path("here/hook.secret"))
    #expect(configuration.history.keepFor == .seconds(86_400))
  }

  @Test func `a path is relative to where it is said`() throws {
    let file = "ledger: a.sqlite\nsecrets: { directory: s }\nartifacts: { fileRoots: [r] }\n"
    let configuration = try load(
      file, flags: ["socket": ["b.sock"]], variables: ["VIRIDIAN_SECRETS_DIRECTORY": "t"])
    #expect(configuration.ledger == directory.path("a.sqlite"))
    #expect(configuration.socket == directory.path("here/b.sock"))
    #expect(configuration.secretsDirectory == directory.path("here/t"))
    #expect(configuration.artifactRoots == [directory.path("r")])
    #expect(configuration.state == directory.path(".viridian"))
    let source = #"{ name: main, url: "git@h:a", knownHosts: k, sshKey: i }"#
    let flags = try load(file, flags: ["sources": [source]]).sources[0].source
    #expect(flags.knownHostsFile == directory.path("here/k"))
    #expect(flags.authentication == .sshKey(file: directory.path("here/i")))
  }

  @Test func `what is wrong is said with the name of the flag or variable`() {
    let cases: [(String, [String: [String]], [String: String])] = [
      ("--limits-removals: error: \"removals\" must be", ["limits.removals": ["many"]], [:]),
      ("VIRIDIAN_MODE: error: \"mode\" must be", [:], ["VIRIDIAN_MODE": "watch"]),
      (
        "VIRIDIAN_SOURCES:1:3: error: unknown key \"nmae\" (did you mean \"name\"?)", [:],
        ["VIRIDIAN_SOURCES": "[{nmae: a, url: b}]"]
      ),
      ("--sources:2:1: error: not YAML", ["sources": ["{ name: main"]], [:]),
      ("\"url\" is missing", [:], ["VIRIDIAN_ALERTS_WEBHOOK_SECRET_FILE": "x"]),
      ("--ledger has no value", ["ledger": [""]], [:]),
      ("anchors and aliases", ["environments": ["[&a b, *a]"]], [:]),
    ]
    for (expected, flags, variables) in cases {
      let text = problem(flags: flags, variables: variables)
      #expect(text.contains(expected), "\(text)")
    }
    #expect(problem("limits: 3\n", flags: ["limits.removals": ["1"]]).contains("viridian.yaml:1:9"))
  }

  @Test func `a webhook's url that is none is refused at its place, and not repeated`() throws {
    for url in ["chat.example.org/T0/hook", "ftp://x/T0", "https:///T0", "/T0", "http://"] {
      let text = problem("alerts:\n  webhook:\n    url: \"\(url)\"\n")
      #expect(text.contains("viridian.yaml:3:10: error: \"url\" of the webhook"), "\(text)")
      #expect(!text.contains("T0"), "\(text)")
    }
    let file = "alerts: { webhook: { url: \"HTTP://127.0.0.1:9/a?b\" } }\n"
    #expect(try load(file).webhook?.url == "HTTP://127.0.0.1:9/a?b")
  }

  @Test func `a provider of metrics is read from one value`() throws {
    let hook =
      "{ name: smoke, kind: webhook, url: \"https://hooks.example.org/smoke\", timeout: 30s, "
      + "tokenFile: token, ca: /etc/ca.pem }"
    let entry = try #require(try load(variables: ["VIRIDIAN_METRICS": hook]).metrics.first)
    #expect(entry.name == "smoke" && entry.kind == "webhook")
    #expect(entry.url == "https://hooks.example.org/smoke" && entry.timeout == .seconds(30))
    #expect(entry.tokenFile == directory.path("here/token") && entry.caFile == "/etc/ca.pem")
    let unknown = problem(flags: ["metrics": ["{ name: a, kind: oracle, url: \"http://a\" }"]])
    #expect(unknown.contains("prometheus | webhook"), "\(unknown)")
  }

  @Test func `a directory is no configuration`() throws {
    #expect {
      try ConfigurationLoader.load(
        file: directory.path(""), flags: [:], variables: [:], directory: "/")
    } throws: { error in
      "\(error)".contains("is a directory: name a file")
    }
  }

  @Test func `an empty variable is not set, and text is not read as YAML`() throws {
    let configuration = try load(
      variables: ["VIRIDIAN_OWNER": "", "VIRIDIAN_LEDGER": "true: [x"])
    #expect(configuration.owner == "viridian")
    #expect(configuration.ledger == directory.path("here/true: [x"))
  }

  @Test func `every field that is no mapping has a name of its own`() {
    let settings = ConfigurationSetting.all
    #expect(settings.count > 20)
    #expect(Set(settings.map(\.flag)).count == settings.count)
    #expect(Set(settings.map(\.variable)).count == settings.count)
    let reached = Set(settings.map(\.key))
    for (path, field) in Field.reference(ConfigurationFields.all) {
      if case .mapping = field.type { continue }
      let isReached = reached.contains { path == $0 || path.hasPrefix($0 + ".") }
      #expect(isReached, "\(path) is neither flag nor variable")
    }
  }
}
