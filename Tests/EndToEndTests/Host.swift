import Foundation
import LedgerKit
import Model
import Support
import Testing
import Transport

/// Runs a test on a host of its own, at most a few at a time, and always cleans up after it.
/// `isLong`: it mostly waits, and goes before those that do not, so that no test is left alone at the end.
func withHost(
  application: [String: String] = [:], keeping: Set<String> = ["web@production"],
  settings: String = "", inspectEvery: String = "500ms", remote: String? = nil,
  source: String? = nil, wrapper: [String] = [], isLong: Bool = false,
  _ body: (Host) async throws -> Void
) async throws {
  await HostSlots.shared.enter(isLong: isLong)
  do {
    let host = try Host(
      application: application, keeping: keeping,
      settings: "inspectEvery: \(inspectEvery)\n\(settings)", remote: remote, source: source,
      wrapper: wrapper)
    do {
      try await body(host)
    } catch {
      await host.end()
      throw error
    }
    await host.end()
  } catch {
    await HostSlots.shared.leave()
    throw error
  }
  await HostSlots.shared.leave()
}

/// As many agents with their stacks as keep two cores busy; more would only time out together.
private actor HostSlots {
  static let shared = HostSlots()
  private var free = 7
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func enter(isLong: Bool) async {
    if free > 0 {
      free -= 1
      return
    }
    await withCheckedContinuation { waiting.insert($0, at: isLong ? 0 : waiting.endIndex) }
  }

  func leave() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// One agent on one "machine": a directory, a Git remote made from examples-repo, a configuration,
/// and the real programs. Everything it starts ends with it.
final class Host {
  let directory: URL
  let remote: Repository
  /// The first of a block that is this host's alone: the public ports, then those of instances.
  let port: Int
  private let http: HTTPClient
  private var agent: pid_t?
  private var agents = 0
  /// Clients that are still being answered.
  var clients: [pid_t] = []
  /// Extra lines of the configuration.
  private let settings: String
  /// What the agent and all commands are started by: a program that goes on as its arguments.
  private let wrapper: [String]

  init(
    application: [String: String], keeping: Set<String>, settings: String, remote: String?,
    source: String?, wrapper: [String]
  ) throws {
    self.wrapper = wrapper
    directory = URL(filePath: TemporaryDirectory.root).appending(
      path: "viridian-e2e-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    port = try Ports.blocks.next()
    self.remote = try Repository(
      in: directory, port: port, stagingPort: port + 1, application, keeping, remote)
    http = try HTTPClient(connections: 8)
    self.settings = settings
    try write(
      source: source
        ?? "{ name: main, url: \"file://\(self.remote.path)\", branch: main, poll: 5s }")
  }

  var state: String { directory.appending(path: "state").path }
  var configuration: String { directory.appending(path: "viridian.yaml").path }
  var failpointFile: URL { directory.appending(path: "failpoint") }
  var logFile: URL { directory.appending(path: "agent-\(agents).log") }
  var publicURL: String { "http://127.0.0.1:\(port)" }

  /// Stops what is left; called by every test's end.
  func end() async {
    kill()
    for client in clients {
      Foundation.kill(client, SIGKILL)
      Tool.wait(client)
    }
    do { try await run(["uninstall", "--yes"]) } catch { Issue.record("uninstall: \(error)") }
    // A source worker whose agent was killed ends by its own deadline.
    let end = ContinuousClock.now + .seconds(20)
    while !processes().isEmpty, ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(50))
    }
    #expect(processes().isEmpty, "processes are left behind: \(processes())")
    do { try FileManager.default.removeItem(at: directory) } catch {
      Issue.record("cannot remove \(directory.path): \(error)")
    }
  }

  /// Starts the agent; `failpoint`: where it, or what it starts, is to stop itself.
  func start(failpoint: String? = nil, executable: URL = Programs.viridian) throws {
    try start(["run"], failpoint: failpoint, executable: executable)
  }

  /// Starts the program as this host's agent; `arguments`: its verb.
  func start(
    _ arguments: [String], failpoint: String?, executable: URL = Programs.viridian
  ) throws {
    precondition(agent == nil, "one agent at a time")
    agents += 1
    var environment = ["SWIFT_BACKTRACE": "enable=no"]
    if let failpoint {
      environment["VIRIDIAN_FAILPOINT"] = failpoint
      environment["VIRIDIAN_FAILPOINT_FILE"] = failpointFile.path
    }
    agent = try Tool.spawn(
      wrapper + [executable.path] + arguments + ["--config", configuration],
      directory: directory.path,
      environment: environment, input: "/dev/null", output: logFile.path, error: logFile.path)
  }

  /// SIGKILL from outside.
  func kill() {
    guard let agent else { return }
    Foundation.kill(agent, SIGKILL)
    Tool.wait(agent)
    self.agent = nil
  }

  /// SIGTERM; the answer is how long it took.
  func terminate() async throws -> Duration {
    let agent = try #require(agent)
    let start = ContinuousClock.now
    Foundation.kill(agent, SIGTERM)
    self.agent = nil
    try await until("the agent has ended") { Tool.exitStatus(agent) }
    return ContinuousClock.now - start
  }

  /// Runs one command of the product; the answer is its output. `codes`: 0 unless given.
  @discardableResult
  func run(_ arguments: [String], expecting codes: Int32...) async throws -> String {
    let result = try await answer(of: arguments)
    guard (codes.isEmpty ? [0] : codes).contains(result.code) else {
      throw Unexpected(
        "viridian \(arguments.joined(separator: " ")): exit \(result.code)\n\(result.text)")
    }
    return result.text
  }

  /// The exit code and output of one command of the product.
  func answer(of arguments: [String]) async throws -> (code: Int32, text: String) {
    let words = wrapper + [Programs.viridian.path] + arguments + ["--config", configuration]
    return try await execute(words[0], Array(words.dropFirst()), in: directory)
  }

  func statuses() async throws -> [TargetStatus] { try await get("/v1/targets") }

  func status(_ target: String = "web@production") async throws -> TargetStatus? {
    try await statuses().first { $0.target.description == target }
  }

  func agentStatus() async throws -> AgentStatus { try await get("/v1/agent") }

  func history(_ kinds: [LedgerEntry.Kind] = []) async throws -> [LedgerEntry] {
    struct Page: Codable { var entries: [LedgerEntry] }
    let filter = kinds.map { "&kind=\($0.rawValue)" }.joined()
    let page: Page = try await get("/v1/history?limit=10000\(filter)")
    return page.entries.reversed()
  }

  /// Waits until the target serves `version`, synced, with no rollout.
  @discardableResult
  func synced(
    _ version: String, _ target: String = "web@production", within limit: Duration = .seconds(90)
  ) async throws -> TargetStatus {
    try await until("\(target) is synced at \(version)", within: limit) {
      guard let status = try await self.status(target), status.liveVersion == version,
        status.desiredVersion == version, status.sync == .synced, status.rollout == nil
      else { return nil }
      return status
    }
  }

  /// Waits until the rollout of this generation has all traffic and bakes.
  func bakes(_ generation: Generation) async throws {
    try await until("\(generation) bakes") {
      let rollout = try await self.status()?.rollout
      return rollout?.candidate == generation && rollout?.phase == "baking" ? true : nil
    }
  }

  /// Polls until `condition` gives a value; the failure shows the statuses and the agent's log.
  @discardableResult
  func until<Value>(
    _ what: String, within limit: Duration = .seconds(90),
    every pause: Duration = .milliseconds(100), _ condition: () async throws -> Value?
  ) async throws -> Value {
    let end = ContinuousClock.now + limit
    var last: (any Error)?
    nudge()
    while ContinuousClock.now < end {
      do {
        if let value = try await condition() { return value }
      } catch {
        last = error
      }
      if let agent, Tool.exitStatus(agent) != nil {
        self.agent = nil
        throw Unexpected("the agent ended while waiting: \(what)\n\(await evidence())")
      }
      try await Task.sleep(for: pause)
    }
    throw Unexpected("never: \(what)\(last.map { " (\($0))" } ?? "")\n\(await evidence())")
  }

  /// One GET of the public port.
  func answer(_ path: String = "/version") async throws -> (status: Int, body: String) {
    let response = try await response(path)
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// `port`: the public one unless given.
  func response(
    _ path: String, port: Int? = nil, headers: [(String, String)] = []
  ) async throws -> HTTPResponse {
    var request = HTTPRequest("GET", url: "http://127.0.0.1:\(port ?? self.port)\(path)")
    request.allowedSchemes = [.http]
    request.headers = headers.map { HTTPHeader($0, $1) }
    return try await http.send(request)
  }

  /// Processes that belong to this host's stacks, router or agent: whose command line or working
  /// directory names its directory.
  func processes() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.filter { Int($0) != nil }.compactMap { pid in
      let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      let text = String(decoding: line, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
      let cwd =
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) ?? ""
      let isOurs =
        text.contains(directory.lastPathComponent)
        || cwd.contains(directory.lastPathComponent)
      return isOurs && Int(pid) != Int(getpid()) ? "\(pid) \(text)" : nil
    }
  }

  /// As a webhook would: what was committed is looked for now, not with the next poll. An agent that
  /// stands still at a failpoint gives no answer, and none is waited for.
  private func nudge() {
    var request = HTTPRequest("POST", url: "http://agent/v1/sync")
    request.unixSocket = "\(state)/agent.sock"
    request.allowedSchemes = [.http]
    Task { [http, request] in _ = try? await http.send(request) }
  }

  private func get<Value: Decodable>(_ path: String) async throws -> Value {
    var request = HTTPRequest("GET", url: "http://agent\(path)")
    request.unixSocket = "\(state)/agent.sock"
    request.allowedSchemes = [.http]
    let response = try await http.send(request)
    guard response.status == 200 else { throw Unexpected("\(path): \(response.status)") }
    return try JSONDecoder().decode(Value.self, from: Data(response.body))
  }

  /// The history as a text, for the reader of a failure.
  func told() async -> String {
    let entries = (try? await history()) ?? []
    return entries.map { "\($0.at) \($0.kind.rawValue) pass \($0.pass): \($0.message)" }
      .joined(separator: "\n")
  }

  private func evidence() async -> String {
    let statuses = (try? await statuses()) ?? []
    let lines = statuses.map { status in
      "\(status.target) live \(status.liveVersion ?? "-") desired \(status.desiredVersion ?? "-") "
        + "\(status.sync.rawValue) \(status.rollout.map { "\($0.phase) \($0.candidate)" } ?? "") "
        + "\(status.hold ?? "") \(status.explanation.joined(separator: "; "))"
    }
    let log = (try? String(contentsOf: logFile, encoding: .utf8)) ?? ""
    return lines.joined(separator: "\n") + "\n--- history\n" + (await told())
      + "\n--- agent log\n" + log.suffix(4000)
  }

  /// Writes the configuration; for the agent's next start.
  func write(source: String) throws {
    let text = """
      owner: e2e-\(directory.lastPathComponent.suffix(8).lowercased())
      state: \(state)
      interval: 1s
      sources:
        - \(source)
      platforms:
        - { name: local, kind: local, ports: "\(port + 2)-\(port + Ports.blocks.size - 1)", reloadEvery: 200ms }
      alerts: { file: \(directory.path)/alerts.jsonl }
      \(settings)

      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
  }
}
