import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

@Suite struct ReloadTests {
  @Test func `reloads under load lose no request and keep split and health`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      let route = bench.route([backend(1, 70, [one]), backend(2, 30, [two])], fallback: 1)
      try await bench.apply(route)
      let load = try Load(bench.port)
      for index in 0..<8 {
        let other = TargetID(ApplicationName(rawValue: "other\(index)"), "production")
        let empty = bench.route([], target: other, port: try Ports.one())
        try await bench.router.apply(empty, ifRevision: nil)
        let seen = try await bench.observe()
        #expect(seen.route == route)
        #expect(seen.serversUp == [1: 1, 2: 1])
      }
      let report = try await load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      print("8 reloads: \(report.failed) failed of \(report.total)")
    }
  }

  /// Their maps are read some at a time.
  @Test func `of many targets each is read with its own split`() async throws {
    try await Bench.with(reloadInterval: .zero) { bench in
      let names = (1...35).map { TargetID(ApplicationName(rawValue: "app\($0)"), "production") }
      let one = try Instance("one")
      let routes = try names.enumerated().map { index, name in
        bench.route(
          index % 3 == 0 ? [] : [backend(Generation(index), 100, [one])], target: name,
          port: try Ports.one())
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for route in routes {
          group.addTask {
            try await eventually {
              do {
                try await bench.router.apply(route, ifRevision: nil)
                return true
              } catch PlatformError.waiting { return false } catch PlatformError.conflict {
                return true
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let seen = try await bench.router.read()
      #expect(seen.count == names.count)
      for route in routes { #expect(seen[route.target]?.value?.route == route, "\(route.target)") }
    }
  }

  @Test func `new targets share a reload and wait for the interval`() async throws {
    try await Bench.with(reloadInterval: .seconds(3), coalescing: .milliseconds(300)) { bench in
      try await bench.router.start()
      let names = ["a", "b", "c", "d"].map { TargetID(ApplicationName(rawValue: $0), "x") }
      let routes = try names.map { bench.route([], target: $0, port: try Ports.one()) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for route in routes.dropLast() {
          group.addTask { try await bench.router.apply(route, ifRevision: nil) }
        }
        try await group.waitForAll()
      }
      let workers = try bench.workers()
      #expect(try bench.master("show proc").contains("master          1 "))
      #expect(try await bench.router.read().count == 3)
      do {
        try await bench.router.apply(routes[3], ifRevision: nil)
        Issue.record("the second reload did not wait")
      } catch PlatformError.waiting(let text) {
        #expect(text.contains("reloads in"))
      }
      #expect(try bench.workers() == workers)
      try await eventually {
        do {
          try await bench.router.apply(routes[3], ifRevision: nil)
          return true
        } catch PlatformError.waiting { return false }
      }
      #expect(try await bench.router.read().count == 4)
    }
  }

  @Test func `a port in use fails only its own target and names it`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let workers = try bench.workers()
      let bad = TargetID("bad", "production")
      do {
        try await bench.router.apply(
          bench.route([], target: bad, port: one.port), ifRevision: nil)
        Issue.record("a taken port was accepted")
      } catch PlatformError.rejected(let fault, let text) {
        #expect(fault == .platform)
        #expect(text.contains("bad@production") && text.contains("127.0.0.1:\(one.port)"))
      }
      do {
        try await bench.router.apply(bench.route([], target: bad), ifRevision: nil)
        Issue.record("the address of another target was accepted")
      } catch PlatformError.rejected(_, let text) {
        #expect(text.contains("belongs to web@production"))
      }
      #expect(try bench.workers() == workers)
      try await bench.router.apply(
        bench.route([], target: TargetID("good", "production"), port: try Ports.one()),
        ifRevision: nil)
      #expect(try await bench.router.read().count == 2)
      #expect(try await bench.answers().names == ["one": 200])
    }
  }

  @Test func `a listen address moves with a reload and a target goes with one`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let other = try Ports.one()
      let moved = bench.route([backend(1, 100, [one])], fallback: 1, port: other)
      try await bench.apply(moved)
      #expect(try await bench.observe().route == moved)
      #expect(try await bench.observe().findings == [])
      let revision = try await bench.observe().revision
      await #expect(throws: PlatformError.self) {
        try await bench.router.remove(web, ifRevision: "stale")
      }
      try await bench.router.remove(web, ifRevision: revision)
      #expect(try await bench.router.read().isEmpty)
      try await bench.router.remove(web, ifRevision: nil)
    }
  }

  @Test(arguments: ["worker", "master"])
  func `a killed HAProxy is back with the same split`(_ victim: String) async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      let route = bench.route([backend(1, 90, [one]), backend(2, 10, [two])], fallback: 1)
      try await bench.apply(route)
      let master = try bench.masterPID()
      kill(victim == "worker" ? try bench.currentWorker() : master, SIGKILL)
      try await eventually {
        let seen = try await bench.router.read()[web]?.value
        return seen?.serversUp == [1: 1, 2: 1] && seen?.route == route && seen?.findings == []
      }
      #expect(try bench.masterPID() != master)
      #expect(try await bench.answers(500).failed == 0)
    }
  }

  @Test func `a worker that outlives its master keeps its ports, and no target loses its own`()
    async throws
  {
    try await Bench.with { bench in
      let one = try Instance("one")
      let route = bench.route([backend(1, 100, [one])], fallback: 1)
      try await bench.apply(route)
      let (master, worker) = (try bench.masterPID(), try bench.currentWorker())
      kill(worker, SIGSTOP)
      // One of its threads takes the signal; the others may run until that one has.
      try await eventually { try isStopped(worker) }
      kill(master, SIGKILL)
      // Until it is really dead it may still answer.
      try await eventually {
        FileManager.default.contents(atPath: "/proc/\(master)/cmdline")?.isEmpty ?? true
      }
      await #expect(throws: PlatformError.self) { try await bench.router.start() }
      kill(worker, SIGCONT)
      var last: Observed<RouteObservation>?
      do {
        try await eventually {
          last = try await bench.router.read()[web]
          let seen = last?.value
          return seen?.serversUp == [1: 1] && seen?.route == route && seen?.findings == []
        }
      } catch {
        Issue.record("\(error); last seen: \(String(describing: last))")
      }
      #expect(try await bench.answers(100).failed == 0)
    }
  }

  @Test func `another agent finds the running HAProxy and starts none`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      let route = bench.route([backend(1, 100, [one])], fallback: 1)
      try await bench.apply(route)
      let (master, workers) = (try bench.masterPID(), try bench.workers())
      let next = try HAProxyRouter(bench.settings)
      try await next.start()
      #expect(try await next.read()[web]?.value?.route == route)
      #expect(try bench.masterPID() == master)
      #expect(try bench.workers() == workers)
    }
  }
}

/// Every thread of the process has stopped.
private func isStopped(_ pid: Int32) throws -> Bool {
  let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
  return try threads.allSatisfy { thread in
    let path = "/proc/\(pid)/task/\(thread)/stat"
    return try String(contentsOfFile: path, encoding: .utf8).contains("(haproxy) T ")
  }
}
