import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

/// The listener that reaches one stack whatever the split says.
@Suite struct PreviewTests {
  @Test func `a preview reaches its stack, and another one without a reload`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(0) { $0.declaration = bench.both }.value
      let workers = try bench.workers()
      for (generation, name) in [(Generation(2), "two"), (1, "one"), (2, "two")] {
        route.preview = generation
        try await bench.apply(route)
        let seen = try await bench.observe()
        #expect(seen.route == route && seen.findings == [])
        #expect(try await bench.names(50, port: bench.previewPort) == ["\(name)": 50])
        #expect(try await bench.names(50) == ["one": 50])
      }
      route.preview = nil
      try await bench.apply(route)
      #expect(try bench.status(bench.previewPort) == "503")
      #expect(try await bench.observe().route == route)
      #expect(try bench.workers() == workers)
    }
  }

  @Test func `a preview takes nothing from a stack that is down, and nobody stands in for it`()
    async throws
  {
    try await Bench.with { bench in
      let servers = try await bench.split(0) {
        $0.declaration = bench.both
        $0.preview = 2
      }
      servers.two.kill()
      try await bench.awaitDown(2)
      #expect(try bench.status(bench.previewPort) == "503")
      #expect(try await bench.names(50) == ["one": 50])
    }
  }

  @Test func `without HTTP a preview is a connection to its stack, or is closed`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try bench.instance("one", .tcp), try bench.instance("two", .tcp))
      var route = bench.route(
        [backend(1, 100, [one], check: nil), backend(2, 0, [two], check: nil)], fallback: 1,
        mode: .tcp)
      route.declaration = bench.both
      route.preview = 2
      try await bench.apply(route)
      #expect(try LongSession(bench.port, .tcp).name == "one")
      #expect(try LongSession(bench.previewPort, .tcp).name == "two")
      #expect(try await bench.observe().route == route)
      route.preview = nil
      try await bench.apply(route)
      #expect(
        try run(["/usr/bin/socat", "-t5", "-", "TCP:127.0.0.1:\(bench.previewPort)"], "") == "")
      #expect(try LongSession(bench.port, .tcp).name == "one")
      #expect(try await bench.observe().findings == [])
    }
  }

  @Test func `the listener comes and goes with a reload, and its stack leaves like any other`()
    async throws
  {
    try await Bench.with { bench in
      let servers = try await bench.split(0) { _ in }
      var route = servers.value
      route.declaration = bench.both
      route.preview = 2
      try await bench.apply(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.names(20, port: bench.previewPort) == ["two": 20])
      route.backends = [backend(1, 100, [servers.one])]
      await #expect(throws: PlatformError.self) { try await bench.apply(route) }
      let session = try LongSession(bench.previewPort, .http)
      route.preview = nil
      try await bench.settle(route)
      let seen = try await bench.observe()
      #expect(seen.route == route && seen.findings == [] && seen.sessionsCut == [2: 1])
      #expect(!session.echoes("gone"))
      route.declaration = bench.route([]).declaration
      try await bench.apply(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.observe().findings == [])
      #expect(try bench.status(bench.previewPort) == "000")
    }
  }

  @Test func `an address of a preview is nobody else's`() async throws {
    try await Bench.with { bench in
      let servers = try await bench.split(0) { $0.declaration = bench.both }
      let other = TargetID("other", "production")
      for port in [bench.port, bench.previewPort] {
        for key in ["listen", "preview"] {
          var route = bench.route([], target: other)
          let own = try Ports.one()
          route.declaration = ["listen": .string("127.0.0.1:\(own)")]
          route.declaration = .object(
            (route.declaration.object ?? [:]).merging([key: .string("127.0.0.1:\(port)")]) { $1 })
          do {
            try await bench.router.apply(route, ifRevision: nil)
            Issue.record("two have \(port)")
          } catch PlatformError.rejected(_, let text) {
            #expect(text.contains("belongs to web@production"), "\(text)")
          }
        }
      }
      var route = servers.value
      route.declaration = bench.declaration(preview: servers.two.port)
      await #expect(throws: PlatformError.self) { try await bench.apply(route) }
      route.declaration = bench.declaration(preview: bench.port)
      await #expect(throws: PlatformError.self) { try await bench.apply(route) }
      route.declaration = ["listen": .string("127.0.0.1:\(bench.port)"), "preview": "web:80"]
      await #expect(throws: PlatformError.self) { try await bench.apply(route) }
      route.declaration = bench.route([]).declaration
      route.preview = 1
      await #expect(throws: PlatformError.self) { try await bench.apply(route) }
      #expect(try await bench.observe().route == servers.value)
      #expect(try await bench.names(20) == ["one": 20])
    }
  }

  @Test func `who takes the port of a preview while HAProxy is dead keeps no users out`()
    async throws
  {
    try await Bench.with { bench in
      let route = try await bench.split(0) {
        $0.declaration = bench.both
        $0.preview = 2
      }.value
      for process in [try bench.masterPID(), try bench.currentWorker()] { kill(process, SIGKILL) }
      var taken: Instance?
      try await eventually {
        taken = try? Instance("taken", port: bench.previewPort)
        return taken != nil
      }
      try await eventually { try await bench.router.read()[web]?.value?.isListening == true }
      #expect(try await bench.names(20) == ["one": 20])
      #expect(try await bench.observe().route.declaration == bench.route([]).declaration)
      do {
        try await bench.settle(route)
        Issue.record("two have one port")
      } catch PlatformError.rejected(_, let text) {
        #expect(text.contains("cannot listen on 127.0.0.1:\(bench.previewPort)"))
      }
      taken?.kill()
      try await bench.settle(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.names(20, port: bench.previewPort) == ["two": 20])
    }
  }

  @Test func `requests of a preview are not counted among those of users`() async throws {
    try await Bench.with { bench in
      let servers = try await bench.split(0) {
        $0.declaration = bench.both
        $0.preview = 2
        $0.chosen = ChosenRequests(generation: 2, rules: [RequestRule(.header, "a", is: "b")])
      }
      #expect(try await bench.totals() == [1: .init(), 2: .init()])
      #expect(try await bench.names(30, port: bench.previewPort) == ["two": 30])
      #expect(try bench.status(bench.previewPort, "/fail") == "500")
      #expect(try await bench.totals() == [1: .init(), 2: .init()])
      #expect(try await bench.names(20) == ["one": 20])
      #expect(try await bench.names(10, ["-H", "A: b"]) == ["two": 10])
      #expect(try bench.status(bench.port, "/fail") == "500")
      #expect(
        try await bench.totals() == [
          1: .init(requests: 21, errors: 1), 2: .init(requests: 10, errors: 0),
        ])
      // What HAProxy answers in a stack's place is the stack's error, too.
      let route = bench.route([backend(1, 0, [servers.one]), backend(2, 100, [servers.two])])
      var alone = servers.value
      alone.backends = route.backends
      alone.fallback = nil
      alone.chosen = nil
      try await bench.apply(alone)
      servers.two.kill()
      #expect(try bench.status(bench.port) == "503")
      #expect(try await bench.totals()[2] == .init(requests: 11, errors: 1))
    }
  }
}

extension Bench {
  func declaration(preview: Int) -> CanonicalValue {
    ["listen": .string("127.0.0.1:\(port)"), "preview": .string("127.0.0.1:\(preview)")]
  }

  /// Both listeners.
  var both: CanonicalValue { declaration(preview: previewPort) }

  /// `000`: nobody listens.
  func status(_ port: Int, _ path: String = "/") throws -> String {
    try run(
      [
        "/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
        "http://127.0.0.1:\(port)\(path)",
      ], "")
  }
}
