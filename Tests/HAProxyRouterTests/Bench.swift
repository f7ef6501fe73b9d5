import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Synchronization
import Testing

/// Few at a time: each test has a load, an HAProxy and servers, and the machine may have two cores.
private let places = Places(5)

/// A counting semaphore for tasks.
final class Places: Sendable {
  private struct State {
    var free: Int
    var queue: [CheckedContinuation<Void, Never>] = []
  }
  private let state: Mutex<State>

  init(_ count: Int) { state = Mutex(State(free: count)) }

  func acquire() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.queue.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  func release() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard !state.queue.isEmpty else {
        state.free += 1
        return nil
      }
      return state.queue.removeFirst()
    }
    next?.resume()
  }
}

/// Pipes and processes are made one at a time, so that no child keeps another's pipe open.
private let spawning = Mutex(())

let web = TargetID("web", "production")

/// A real HAProxy in a directory of its own, with real servers behind it.
final class Bench: Sendable {
  let settings: HAProxySettings
  let router: HAProxyRouter
  let port: Int
  let previewPort: Int
  private let instances = Mutex<[Instance]>([])

  /// Runs `body` and leaves nothing behind.
  static func with(
    slots: Int = 5, upWait: Duration = .seconds(10), reloadInterval: Duration = .zero,
    coalescing: Duration = .milliseconds(10),
    _ body: (Bench) async throws -> Void
  ) async throws {
    await places.acquire()
    defer { places.release() }
    let bench = try Bench { settings in
      settings.slots = slots
      settings.upWait = upWait
      settings.reloadInterval = reloadInterval
      settings.coalescing = coalescing
    }
    do {
      try await body(bench)
    } catch {
      await bench.cleanUp()
      throw error
    }
    await bench.cleanUp()
  }

  private init(_ change: (inout HAProxySettings) -> Void) throws {
    let id = UUID().uuidString.prefix(8)
    var settings = HAProxySettings(directory: "\(TemporaryDirectory.root)/viridian-router-\(id)")
    settings.checkInterval = .milliseconds(300)
    change(&settings)
    self.settings = settings
    router = try HAProxyRouter(settings)
    port = try Ports.one()
    previewPort = try Ports.one()
  }

  private func cleanUp() async {
    do {
      try await router.uninstall()
    } catch {
      Issue.record("the router did not stop: \(error)")
    }
  }

  /// An instance that lives as long as the bench.
  func instance(_ name: String, _ mode: TrafficPolicy.Mode = .http) throws -> Instance {
    let instance = try Instance(name, mode.rawValue)
    instances.withLock { $0.append(instance) }
    return instance
  }

  func route(
    _ backends: [Backend], fallback: Generation? = nil, target: TargetID = web, port: Int? = nil,
    mode: TrafficPolicy.Mode = .http
  ) -> Route {
    Route(
      target: target, mode: mode,
      declaration: ["listen": .string("127.0.0.1:\(port ?? self.port)")],
      drainDeadline: .milliseconds(300), backends: backends, fallback: fallback)
  }

  /// Applies to what is there now.
  func apply(_ route: Route) async throws {
    let revision = try await router.read()[route.target]?.value?.revision
    try await router.apply(route, ifRevision: revision)
  }

  /// Applies on every "pass" until nothing is waited for any more.
  func settle(_ route: Route, _ router: HAProxyRouter? = nil) async throws {
    try await eventually {
      let revision = try await self.router.read()[route.target]?.value?.revision
      do {
        try await (router ?? self.router).apply(route, ifRevision: revision)
        return true
      } catch PlatformError.waiting {
        return false
      } catch PlatformError.conflict { return false }
    }
  }

  func observe(_ target: TargetID = web) async throws -> RouteObservation {
    try #require(try await router.read()[target]?.value)
  }

  /// Until HAProxy has seen that a stack's server is gone.
  func awaitDown(_ generation: Generation) async throws {
    try await eventually {
      try self.runtime("show stat -1 4 -1").split(separator: "\n").contains {
        $0.contains("-\(generation)-") && $0.contains(",DOWN,")
      }
    }
  }

  /// One command to the worker that accepts, as an operator would type it.
  @discardableResult
  func runtime(_ command: String) throws -> String {
    try run(["/usr/bin/socat", "-t5", "-", "UNIX-CONNECT:\(settings.statisticsSocket)"], command)
  }

  func master(_ command: String) throws -> String {
    try run(
      ["/usr/bin/socat", "-t5", "-", "UNIX-CONNECT:\(settings.directory)/master.sock"], command)
  }

  func workers() throws -> [Int] {
    Self.workers(in: try master("show proc").split(separator: "\n"))
  }

  /// The one that accepts. For a moment after a reload the one before it is not yet called old.
  func currentWorker() throws -> Int32 {
    let lines = try master("show proc").split(separator: "\n").prefix { !$0.hasPrefix("# old") }
    return Int32(try #require(Self.workers(in: lines).last))
  }

  private static func workers(in lines: some Sequence<Substring>) -> [Int] {
    lines.filter { $0.contains(" worker ") }.compactMap { Int($0.split(separator: " ")[0]) }
  }

  func masterPID() throws -> Int32 {
    let text = try String(contentsOfFile: settings.directory + "/haproxy.pid", encoding: .utf8)
    return try #require(Int32(text.split(separator: "\n")[0]))
  }

  /// Names of the servers that answered 200 new requests, and how many there were of each.
  func answers(_ requests: Int = 200) async throws -> LoadReport {
    let arguments = [
      "/usr/bin/python3", scripts + "/load.py", "\(port)", "count", "\(requests)",
    ]
    let text = try await aside { try HAProxyRouterTests.run(arguments, "") }
    return try JSONDecoder().decode(LoadReport.self, from: Data(text.utf8))
  }

  /// The same of so many requests that only their number matters, over one connection.
  func names(
    _ requests: Int, _ options: [String] = [], port: Int? = nil
  ) async throws -> [Substring: Int] {
    let arguments =
      ["/usr/bin/curl", "-sf", "-w", "\n"] + options
      + ["http://127.0.0.1:\(port ?? self.port)/[1-\(requests)]"]
    let text = try await aside { try HAProxyRouterTests.run(arguments, "") }
    return Dictionary(grouping: text.split(separator: "\n")) { $0 }.mapValues(\.count)
  }
}

let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Scripts").path

struct LoadReport: Codable {
  var names: [String: Int]
  var failed: Int
  var failures: [String]
  var total: Int { names.values.reduce(0, +) + failed }
}

/// A process with a line protocol; killed when it goes out of scope.
/// Unchecked: `Process` and `Pipe` are not marked; only one task uses a child at a time.
final class Child: @unchecked Sendable {
  private let process: Process
  private let input: Pipe
  private let output: Pipe

  init(_ arguments: [String]) throws {
    (process, input, output) = try start(arguments)
  }

  deinit { kill() }

  func kill() {
    guard process.isRunning else { return }
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func line() throws -> String {
    var bytes: [UInt8] = []
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Ends its input and gives the rest of its output.
  func finish() throws -> String {
    try input.fileHandleForWriting.close()
    let rest = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: rest, as: UTF8.self)
  }
}

/// One instance of a stack.
final class Instance: Sendable {
  let port: Int
  private let child: Child

  init(_ name: String, _ mode: String = "http", port: Int? = nil) throws {
    let fixed = port.map { ["\($0)"] } ?? []
    child = try Child(["/usr/bin/python3", scripts + "/backend.py", name, mode] + fixed)
    self.port = try #require(Int(try child.line()))
  }

  func kill() { child.kill() }

  /// It answers everything but its check from now on.
  func breakCheck() throws {
    let status = ["/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    #expect(try run(status + ["http://127.0.0.1:\(port)/break"], "") == "200")
    #expect(try run(status + ["http://127.0.0.1:\(port)/healthz"], "") == "503")
  }
}

func backend(
  _ generation: Generation, _ weight: Int, _ instances: [Instance], check: String? = "/healthz",
  launch: String = "launch1"
) -> Backend {
  let endpoints = instances.enumerated().map {
    Endpoint(instance: $0, host: "127.0.0.1", port: $1.port)
  }
  return Backend(
    generation: generation, launch: launch, endpoints: endpoints, weightPercent: weight,
    checkPath: check)
}

/// Open-loop load until `stop`.
final class Load {
  private let child: Child

  /// `headers`: lines that each request has besides.
  init(_ port: Int, rate: Int = 150, headers: [String] = []) throws {
    child = try Child(
      ["/usr/bin/python3", scripts + "/load.py", "\(port)", "open", "\(rate)"] + headers)
    #expect(try child.line() == "running")
  }

  func stop() async throws -> LoadReport {
    let child = child
    let text = try await aside { try child.finish() }
    return try JSONDecoder().decode(LoadReport.self, from: Data(text.utf8))
  }
}

private func start(_ arguments: [String]) throws -> (Process, Pipe, Pipe) {
  try spawning.withLock { _ in
    let (process, input, output) = (Process(), Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    return (process, input, output)
  }
}

func run(_ arguments: [String], _ input: String) throws -> String {
  // A program that reads nothing, or cannot connect, may have ended before it is told anything.
  signal(SIGPIPE, SIG_IGN)
  let (process, stdin, stdout) = try start(arguments)
  try? stdin.fileHandleForWriting.write(contentsOf: Data((input + "\n").utf8))
  try stdin.fileHandleForWriting.close()
  let data = try stdout.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self)
}

/// Long blocking calls happen on a thread of their own: there are as few for tasks as cores.
func aside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}
