import Foundation
import HAProxyRouter
import Model
import PlatformKit
import Support
import Synchronization
import Testing

@Suite struct FailureTests {
  @Test func `the share of a dead candidate falls back to stable while no agent runs`()
    async throws
  {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(
        bench.route([backend(1, 70, [one]), backend(2, 30, [two])], fallback: 1))
      let load = try Load(bench.port, rate: 200)
      two.kill()
      try await bench.awaitDown(2)
      let during = try await load.stop()
      print("dead candidate: \(during.failed) failed of \(during.total) before detection")
      // Those that were with it when it died, and whose connection nobody could take over.
      #expect(during.failed <= 4, "\(during.failures)")
      #expect(try await bench.answers(1000).names == ["one": 1000])
      #expect(try await bench.observe().serversUp == [1: 1, 2: 0])
      #expect(try await bench.observe().findings == [])
    }
  }

  @Test func `one dead server of two costs no request`() async throws {
    try await Bench.with { bench in
      let (a, b) = (try Instance("a"), try Instance("b"))
      try await bench.apply(bench.route([backend(1, 100, [a, b])], fallback: 1))
      b.kill()
      let report = try await bench.answers(500)
      #expect(report.failed == 0, "\(report.failures)")
      #expect(report.names == ["a": 500])
    }
  }

  @Test func `a request that got no answer is sent again only where that is safe`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      func ask(_ method: String, _ path: String) throws -> String {
        try run(
          [
            "/usr/bin/curl", "-s", "-X", method, "-o", "-", "-w", " %{http_code}",
            "http://127.0.0.1:\(bench.port)\(path)",
          ], "")
      }
      #expect(try ask("GET", "/once") == "one 200")
      #expect(try ask("OPTIONS", "/once") == "one 200")
      for method in ["POST", "PUT", "PATCH", "DELETE"] {
        #expect(try ask(method, "/once").hasSuffix(" 502"), "\(method)")
      }
      let seen = try ask("GET", "/seen")
      for text in [#""GET": 2"#, #""POST": 1"#, #""PUT": 1"#, #""PATCH": 1"#, #""DELETE": 1"#] {
        #expect(seen.contains(text), "\(seen)")
      }
    }
  }

  @Test func `a stack whose check fails never gets a request`() async throws {
    try await Bench.with(upWait: .milliseconds(800)) { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      // A busy machine may need longer than this bench is ready to wait.
      try await bench.settle(bench.route([backend(1, 100, [one])], fallback: 1))
      try two.breakCheck()
      let load = try Load(bench.port, rate: 200)
      let wanted = bench.route([backend(1, 0, [one]), backend(2, 100, [two])], fallback: 1)
      do {
        try await bench.apply(wanted)
        Issue.record("traffic moved to a stack that is not up")
      } catch PlatformError.waiting(let text) {
        #expect(text.contains("0 of 1 servers of v002 are up"))
      }
      #expect(try await bench.observe().route.split == [1: 100, 2: 0])
      #expect(try await bench.observe().findings == [])
      let report = try await load.stop()
      #expect(report.names == ["one": report.total])
    }
  }

  /// The path of a check stands in the map: it has to be there before the server is.
  @Test func `the first check of a stack is its own, however slow the agent is`() async throws {
    try await Bench.with(upWait: .milliseconds(800)) { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.settle(bench.route([backend(1, 100, [one])], fallback: 1))
      try two.breakCheck()
      let (directory, worker) = (bench.settings.directory, try bench.currentWorker())
      let slow = try HAProxyRouter(bench.settings) { name throws(PlatformError) in
        guard name == "haproxy.apply.before-commit-map" else { return }
        // Until its first check has ended, if it is there already.
        let end = ContinuousClock.now + .seconds(10)
        do {
          while ContinuousClock.now < end {
            let rows = try run(
              ["/usr/bin/socat", "-t5", "-", "UNIX-CONNECT:\(directory)/master.sock"],
              "@!\(worker) show stat -1 4 -1")
            let awaits = rows.split(separator: "\n").contains {
              $0.contains("-v002-") && $0.contains(",INI,")
            }
            guard awaits else { return }
          }
          Issue.record("the first check does not end")
        } catch {
          Issue.record(error)
        }
      }
      let wanted = bench.route([backend(1, 0, [one]), backend(2, 100, [two])], fallback: 1)
      do {
        try await slow.apply(wanted, ifRevision: try await bench.observe().revision)
        Issue.record("traffic moved to a stack that is not up")
      } catch PlatformError.waiting(let text) {
        #expect(text.contains("0 of 1 servers of v002 are up"))
      }
      #expect(try await bench.observe().route.split == [1: 100, 2: 0])
      withExtendedLifetime((one, two)) {}
    }
  }

  @Test func `an instance that joins a serving stack gets nothing before its check has passed`()
    async throws
  {
    try await Bench.with { bench in
      let (a, b) = (try Instance("a"), try Instance("b"))
      try await bench.apply(bench.route([backend(1, 100, [a])], fallback: 1))
      // It answers everything but its check.
      try b.breakCheck()
      let load = try Load(bench.port, rate: 200)
      try await bench.apply(bench.route([backend(1, 100, [a, b])], fallback: 1))
      try await eventually {
        try bench.runtime("show stat -1 4 -1").contains("L7STS")
      }
      let report = try await load.stop()
      #expect(report.names == ["a": report.total], "\(report)")
    }
  }

  @Test func `an agent that dies at any point leaves a route that the next one completes`()
    async throws
  {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      let before = bench.route([backend(1, 100, [one])], fallback: 1)
      let after = bench.route([backend(2, 100, [two])], fallback: 2)
      let load = try await { () async throws -> Load in
        try await bench.apply(before)
        return try Load(bench.port, rate: 100)
      }()
      var deaths: [String] = []
      for index in 0... {
        guard let death = try await bench.settle(after, dyingAt: index) else { break }
        deaths.append(death)
        let seen = try await bench.observe()
        #expect(seen.route.split.values.reduce(0, +) == 100)
        try await bench.settle(after)
        #expect(try await bench.observe().route == after)
        #expect(try await bench.observe().findings == [])
        try await bench.settle(before)
        #expect(try await bench.observe().route == before)
      }
      let report = try await load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      print("deaths: \(deaths.count), \(report.failed) failed of \(report.total)")
      #expect(Set(deaths).count >= 6, "\(deaths)")
    }
  }

  @Test func `hostile names are refused and no file changes`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      let good = backend(1, 100, [one])
      let route = bench.route([good], fallback: 1)
      try await bench.apply(route)
      let files = try tree(bench.settings.directory)
      var hostile: [Route] = []
      for text in ["a\n  server x 1.2.3.4:5", "a;shutdown", "a b", "a#", "%[env(HOME)]", "", "$H"] {
        var bad = good
        bad.launch = text
        hostile.append(bench.route([bad]))
        bad = good
        bad.checkPath = "/" + text + "\n"
        hostile.append(bench.route([bad]))
        bad = good
        bad.endpoints[0].host = text
        hostile.append(bench.route([bad]))
        var declared = route
        declared.declaration = ["listen": .string("127.0.0.1:80" + text + "\n")]
        hostile.append(declared)
        declared = route
        declared.target = TargetID(ApplicationName(rawValue: "web" + text + "\n"), "production")
        hostile.append(declared)
      }
      var wrong = good
      wrong.weightPercent = 101
      hostile.append(bench.route([wrong]))
      wrong.weightPercent = 99
      hostile.append(bench.route([wrong]))
      hostile.append(bench.route([good], fallback: 7))
      hostile.append(bench.route([good, good]))
      hostile.append(bench.route((1...6).map { backend(Generation($0), 0, [one]) }))
      let revision = try await bench.observe().revision
      for bad in hostile {
        await #expect(throws: PlatformError.self, "\(bad)") {
          try await bench.router.apply(bad, ifRevision: revision)
        }
      }
      #expect(try tree(bench.settings.directory) == files)
      #expect(try await bench.observe().route == route)
    }
  }

  private func tree(_ directory: String) throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
      let path = directory + "/" + name
      guard name.hasSuffix(".cfg") || name.hasSuffix(".map") else { continue }
      files[name] = try String(contentsOfFile: path, encoding: .utf8)
    }
    return files
  }
}

extension Bench {
  /// As an agent that dies at the point of this number; nil: there are fewer, and the route is as wanted.
  func settle(_ route: Route, dyingAt index: Int) async throws -> String? {
    let countdown = Countdown(index)
    let dying = try HAProxyRouter(settings) { name throws(PlatformError) in
      if let name = countdown.ends(name) { throw .transient("died at \(name)") }
    }
    do {
      try await settle(route, dying)
      return nil
    } catch PlatformError.transient(let text) {
      return text
    }
  }
}

/// Ends at the n-th point.
private final class Countdown: Sendable {
  private let left: Mutex<Int>
  init(_ count: Int) { left = Mutex(count) }

  func ends(_ name: String) -> String? {
    left.withLock { left in
      left -= 1
      return left == -1 ? name : nil
    }
  }
}
