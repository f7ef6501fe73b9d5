import Foundation
import HAProxyRouter
import Model
import Planning
import PlatformKit
import Support
import Testing

/// A real HAProxy with real servers behind it, and the planner that looks after its route.
final class RouteScene {
  /// When the change is made, and to whose server.
  enum Situation: String, CaseIterable {
    /// The first stack serves, nothing is under way.
    case quiet
    /// A second one is at its gate; the first one is changed.
    case rollout
    /// The one at its gate is changed, before it has any traffic.
    case candidate
  }

  let bench: Bench
  let situation: Situation
  private(set) var target: PlannedTarget
  /// Before any change: repairs are bounded, and every row is the first of its hour.
  private var fresh: PlannedTarget
  private let instances: [Instance]
  /// Keeps a worker that a reload left behind.
  private var session: LongSession?

  init(_ bench: Bench, _ situation: Situation) async throws {
    self.bench = bench
    self.situation = situation
    instances = try ["one", "two", "one"].map { try Instance($0) }
    let first = Self.certificate(1, instances: 2)
    target = PlannedTarget(
      first, listen: "127.0.0.1:\(bench.port)", preview: "127.0.0.1:\(bench.previewPort)")
    fresh = target
    join(first, Array(instances.prefix(2)))
    try await drive { $0.record.stable == 1 && $0.record.rollout == nil }
    fresh = target
    guard situation != .quiet else { return }
    let second = Self.certificate(2, instances: 1)
    target.begin(second)
    target.sick = [2]
    join(second, [instances[2]])
    try await drive { $0.route.value??.route.backends.count == 2 }
    fresh = target
  }

  private static func certificate(_ generation: Generation, instances: Int) -> BirthCertificate {
    let spec = StackSpec(
      workloadKind: "process", workload: ["generation": .integer(generation.number)],
      instances: instances,
      health: HealthGate(check: .http(path: "/healthz", expect: [200])))
    return BirthCertificate(
      owner: "test", stack: StackID(web, generation), source: "main",
      commit: CommitID(rawValue: String(repeating: "a", count: 40)), version: "1.0.0",
      declaredDigest: spec.declaredDigest, stackDigest: spec.stackDigest([]), spec: spec,
      resolved: [], traffic: .http, platform: "local", platformIdentity: "host",
      launch: "launch\(generation.number)", ledgerSequence: 1,
      createdAt: WallTime(milliseconds: 0))
  }

  private func join(_ certificate: BirthCertificate, _ instances: [Instance]) {
    let count = instances.count
    let endpoints = instances.enumerated().map {
      Endpoint(instance: $0, host: "127.0.0.1", port: $1.port)
    }
    target.stacks.append(
      StackObservation(
        certificate: certificate, phase: .complete,
        capacity: Capacity(declared: count, intended: count, running: count),
        endpoints: endpoints))
    target.inspections[certificate.stack.generation] = .known(
      Inspection(schema: 1, readings: [:], declared: [:]))
  }

  // MARK: - The agent's part

  /// One pass on what HAProxy shows now.
  func pass() async throws -> TargetPlan {
    let read = try await bench.router.read()[web]
    target.route =
      switch read {
      case .known(let route): .known(route)
      case .unknown(let reason): .unknown(reason: reason)
      case nil: .known(nil)
      }
    return try target.pass()
  }

  /// Passes, and does what they ask for, until HAProxy shows it and every server is up.
  func drive(until isDone: (PlannedTarget) -> Bool) async throws {
    try await eventually {
      let plan = try await pass()
      if case .route(let route, let revision)? = plan.actions.first {
        do {
          try await bench.router.apply(route, ifRevision: revision)
        } catch PlatformError.waiting {} catch PlatformError.conflict {}
        return false
      }
      let seen = target.route.value ?? nil
      let isUp = seen?.route.backends.allSatisfy {
        seen?.serversUp[$0.generation] == $0.endpoints.count
      }
      return isDone(target) && isUp == true && seen?.findings == []
    }
  }

  // MARK: - What is changed

  /// The stack whose server is changed.
  var generation: Generation { situation == .candidate ? 2 : 1 }
  var slot: String { situation == .candidate ? "h1" : "h0" }
  var port: Int { instances[situation == .candidate ? 2 : 0].port }
  var server: String {
    "web-production-\(generation)-launch\(generation.number)-i0.\(port)"
  }
  var mapFile: String { "\(bench.settings.directory)/maps/web.production.map" }

  /// Commands of the run-time socket, as an operator types them: `S` is the server, `M` the map.
  func run(_ commands: String) throws {
    for command in commands.split(separator: "; ").map(String.init) {
      try bench.runtime(
        command.replacing(" S", with: " be_web.production_\(slot)/\(server)")
          .replacing(" M", with: " \(mapFile)"))
    }
  }

  func leaveWorkerBehind() async throws {
    session = try LongSession(bench.port, .http)
    let other = bench.route([], target: TargetID("other", "production"), port: try Ports.one())
    try await bench.router.apply(other, ifRevision: nil)
    try #require(try bench.oldWorkers().count == 1)
  }

  /// The agent puts everything right.
  func recover() async throws {
    session = nil
    try await eventually { try bench.oldWorkers().isEmpty }
    try await drive { _ in true }
    target = fresh
  }

  /// The split as people are told it, with these entries instead.
  func split(_ changes: [String: String] = [:], shares: String? = nil) -> String {
    var entries = [
      "fallback": "be_web.production_h0", "path-h0": "/healthz", "stack-h0": "v001/launch1",
      // The candidate as soon as it is behind the route.
      "preview": "be_web.production_\(situation == .quiet ? "h0" : "h1")",
    ]
    if situation != .quiet {
      entries["path-h1"] = "/healthz"
      entries["stack-h1"] = "v002/launch2"
    }
    entries = entries.merging(changes) { $1 }.filter { !$0.value.isEmpty }
    let rest = entries.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    return (shares ?? "be_web.production_h0=100") + rest.joined()
  }
}

extension Bench {
  /// Workers of former configurations that still have connections.
  func oldWorkers() throws -> [Int] {
    let lines = try master("show proc").split(separator: "\n")
    return lines.drop { !$0.hasPrefix("# old workers") }.compactMap { line in
      line.contains(" worker ") ? Int(line.split(separator: " ")[0]) : nil
    }
  }

  /// One command to the worker that a reload left behind.
  func old(_ command: String) throws {
    let pid = try #require(try oldWorkers().first)
    _ = try master("@!\(pid) \(command)")
  }
}
