import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Synchronization
import Testing

/// Chosen requests, users who stay and the preview together: kept, repaired, and changed under load.
@Suite struct PickTests {
  @Test(arguments: ["reload", "worker", "master"])
  func `all of them outlive HAProxy`(_ end: String) async throws {
    try await Bench.with { bench in
      let route = try await bench.split(10, bench.pickAll).value
      try await bench.expectPicks()
      if end == "reload" {
        try await bench.router.apply(
          bench.route([], target: TargetID("other", "production"), port: try Ports.one()),
          ifRevision: nil)
      } else {
        kill(end == "worker" ? try bench.currentWorker() : try bench.masterPID(), SIGKILL)
      }
      try await eventually {
        let seen = try await bench.router.read()[web]?.value
        return seen?.serversUp == [1: 1, 2: 1] && seen?.route == route && seen?.findings == []
      }
      try await bench.expectPicks()
    }
  }

  /// As an operator types it, `M` being the map and `|` between commands, and what is read then.
  private static let changes: [(command: String, read: @Sendable (inout Route) -> Void)] = [
    ("set map M chosen be_web.production_h0", { $0.choose(1, Bench.rules) }),
    ("del map M chosen", { $0.chosen = nil }),
    ("del map M alice@header-x-user", { $0.choose(2, [Bench.rules[1]]) }),
    (
      "add map M bob@header-x-user chosen",
      { $0.choose(2, Bench.rules + [RequestRule(.header, "x-user", is: "bob")]) }
    ),
    ("set map M alice@header-x-user sticky", { $0.choose(2, [Bench.rules[1]]) }),
    ("set map M sticky be_web.production_h0", { $0.sticky = nil }),
    ("del map M sticky", { $0.sticky = nil }),
    ("del map M v002.launch1@sticky-stay", { _ in }),
    ("add map M v002.launch9@sticky-stay sticky", { _ in }),
    ("del map M be_web.production_h1@set-cookie", { $0.sticky = nil }),
    (
      "del map M be_web.production_h1@set-cookie|add map M <<\nbe_web.production_h1@set-cookie"
        + " go=v002.launch1; Path=/; Max-Age=1\n",
      { $0.sticky = StickyTraffic(cookie: "go", generation: 2, maxAge: .seconds(1)) }
    ),
    ("add map M be_web.production_h0@set-cookie x=y", { _ in }),
    ("set map M preview be_web.production_h0", { $0.preview = 1 }),
    ("del map M preview", { $0.preview = nil }),
    ("set map M preview nowhere", { $0.preview = nil }),
  ]

  @Test func `a change of any of them by hand is told, read and put right`() async throws {
    try await Bench.with { bench in
      let route = try await bench.split(10, bench.pickAll).value
      let workers = try bench.workers()
      let map = "\(bench.settings.directory)/maps/web.production.map"
      for (command, read) in Self.changes {
        let before = try await bench.observe()
        for part in command.split(separator: "|") {
          try bench.runtime(String(part).replacing(" M ", with: " \(map) "))
        }
        let seen = try await bench.observe()
        #expect(seen.findings.map(\.path) == ["/split"], "\(command)")
        #expect(seen.findings.first?.expected != seen.findings.first?.actual, "\(command)")
        #expect(seen.revision != before.revision, "\(command)")
        var expected = route
        read(&expected)
        #expect(seen.route == expected, "\(command)")
        try await bench.apply(route)
        #expect(try await bench.observe().findings == [], "\(command)")
        #expect(try await bench.observe().route == route, "\(command)")
      }
      #expect(try bench.workers() == workers)
      try await bench.expectPicks()
    }
  }

  @Test func `a worker that a reload left behind follows, and is looked at`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(10, bench.pickAll).value
      let session = try LongSession(bench.previewPort, .http)
      #expect(session.name == "two")
      try await bench.router.apply(
        bench.route([], target: TargetID("other", "production"), port: try Ports.one()),
        ifRevision: nil)
      let pid = try #require(try bench.oldWorkers().first)
      route.preview = 1
      route.chosen = nil
      try await bench.apply(route)
      let map = "\(bench.settings.directory)/maps/web.production.map"
      let old = try bench.master("@!\(pid) show map \(map)")
      #expect(old.contains(" preview be_web.production_h0\n") && !old.contains("chosen"))
      #expect(try await bench.observe().findings == [])
      try bench.old("set map \(map) preview be_web.production_h1")
      let seen = try await bench.observe()
      #expect(seen.findings.map(\.path) == ["/old-workers/\(pid)/split"])
      #expect(seen.route == route)
      #expect(session.echoes("still there"))
    }
  }

  @Test func `split and picks change in one instant`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(10, bench.pickAll).value
      let commits = Mutex(0)
      let router = try HAProxyRouter(bench.settings) { name in
        if name == "haproxy.apply.after-commit-map" { commits.withLock { $0 += 1 } }
      }
      route.backends[0].weightPercent = 60
      route.backends[1].weightPercent = 40
      route.fallback = 2
      route.preview = 1
      route.choose(1, [Bench.rules[0]])
      route.sticky = StickyTraffic(cookie: "stay", generation: 1, maxAge: .seconds(1))
      try await router.apply(route, ifRevision: try await bench.observe().revision)
      #expect(try await bench.observe().route == route)
      #expect(commits.withLock { $0 } == 1)
    }
  }

  @Test func `a worker that was made to read nothing is told and replaced`() async throws {
    try await Bench.with { bench in
      let route = try await bench.split(10, bench.pickAll).value
      let file = "\(bench.settings.directory)/conf.d/10-web.production.cfg"
      let text = try bench.configuration()
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let bind = try #require(lines.first { $0.contains(" name reads-") })
      let mark = try #require(bind.split(separator: " ").last)
      try lines.filter { !$0.contains("txn.hit") && !$0.contains("txn.pick") }
        .joined(separator: "\n").replacing(" name \(mark)", with: "")
        .write(toFile: file, atomically: true, encoding: .utf8)
      let worker = try bench.currentWorker()
      _ = try bench.master("reload")
      try await eventually {
        guard try !bench.workers().isEmpty else { return false }
        return try bench.currentWorker() != worker
      }
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try await bench.names(20, ["-H", "X-User: alice"])["one"] ?? 0 > 0)
      let finding = try #require(try await bench.observe().findings.first)
      #expect(finding.path == "/listen")
      #expect(finding.expected == "http 127.0.0.1:\(bench.port) OPEN \(mark)")
      #expect(finding.actual == "http 127.0.0.1:\(bench.port) OPEN")
      try await bench.settle(route)
      #expect(try await bench.observe().findings == [])
      try await bench.expectPicks()
    }
  }

  @Test func `an agent that dies at any point leaves picks that the next one completes`()
    async throws
  {
    try await Bench.with { bench in
      let servers = try await bench.split(10) { $0.declaration = bench.both }
      var after = servers.value
      bench.pickAll(&after)
      let load = try Load(bench.port, rate: 100)
      var deaths: Set<String> = []
      for index in 0... {
        guard let death = try await bench.settle(after, dyingAt: index) else { break }
        deaths.insert(death)
        try await bench.settle(after)
        #expect(try await bench.observe().route == after)
        #expect(try await bench.observe().findings == [])
        try await bench.expectPicks()
        // Another declaration: nothing of what is read stays.
        var before = servers.value
        before.declaration = bench.route([]).declaration
        try await bench.settle(before)
        #expect(try await bench.observe().route == before)
        #expect(try bench.configuration().contains("txn.hit") == false)
      }
      let report = try await load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      #expect(deaths.count >= 6, "\(deaths)")
    }
  }

  @Test func `forty changes of all of them under load lose no request`() async throws {
    try await Bench.with { bench in
      let servers = try await bench.split(50, bench.pickAll)
      let loads = try [
        Load(bench.port, rate: 120),
        Load(bench.port, rate: 120, headers: ["X-User: alice", "Cookie: group=qa"]),
        Load(bench.port, rate: 120, headers: ["Cookie: stay=v002.launch1"]),
        Load(bench.previewPort, rate: 120),
      ]
      for turn in 0..<40 {
        var route = servers.value
        route.backends[0].weightPercent = turn % 3 == 0 ? 100 : 30
        route.backends[1].weightPercent = 100 - route.backends[0].weightPercent
        let generation = Generation(1 + turn % 2)
        route.preview = generation
        route.sticky =
          turn % 5 == 0 ? nil : .init(cookie: "stay", generation: generation, maxAge: .seconds(9))
        // Every tenth turn reads another cookie, and reloads.
        let rule = RequestRule(.cookie, turn % 10 == 9 ? "new\(turn)" : "group", is: "qa")
        route.chosen = turn % 4 == 0 ? nil : .init(generation: generation, rules: [rule])
        try await bench.settle(route)
        #expect(try await bench.observe().route == route)
      }
      var total = 0
      for load in loads {
        let report = try await load.stop()
        #expect(report.failed == 0, "\(report.failures)")
        #expect(report.names.count == 2)
        total += report.total
      }
      print("40 changes of picks: 0 failed of \(total)")
    }
  }
}

extension Route {
  fileprivate mutating func choose(_ generation: Generation, _ rules: [RequestRule]) {
    chosen = ChosenRequests(generation: generation, rules: rules)
  }
}

extension Bench {
  fileprivate static let rules = [
    RequestRule(.header, "X-User", is: "alice"), RequestRule(.cookie, "group", is: "q%a"),
  ]

  fileprivate func pickAll(_ route: inout Route) {
    route.declaration = both
    route.choose(2, Self.rules)
    route.sticky = StickyTraffic(cookie: "stay", generation: 2, maxAge: .seconds(3600))
    route.preview = 2
  }

  /// HAProxy does what `pickAll` asks for.
  fileprivate func expectPicks() async throws {
    for options in [["-H", "X-User: alice"], ["-b", "group=q%a"], ["-b", "stay=v002.launch1"]] {
      #expect(try await names(40, options) == ["two": 40], "\(options)")
    }
    #expect(try await names(20, port: previewPort) == ["two": 20])
    #expect(try await names(200)["one"] ?? 0 > 120)
  }
}
