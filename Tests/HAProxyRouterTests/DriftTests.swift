import Foundation
import HAProxyRouter
import Model
import PlatformKit
import Testing

/// Every change that somebody makes by hand is found, named, and put right without a lost request.
@Suite struct DriftTests {
  static let server = "be_web.production_h0/web-production-v001-launch1-i0"

  @Test(arguments: [
    "set weight S 0", "set server S state maint", "set server S state drain", "disable health S",
    "set server S addr 127.0.0.9 port 9", "set server S state maint; del server S",
    "add server be_web.production_h0/stranger 127.0.0.1:9 weight 1",
    "set map M 0 be_web.production_h4", "del map M 17", "clear map M",
    "set map M fallback be_web.production_t3", "disable frontend fe_web.production",
  ])
  func `a change at run time is found and put right`(_ change: String) async throws {
    try await check { bench, ports in
      for part in change.split(separator: "; ").map(String.init) {
        try bench.runtime(
          part.replacing(" S", with: " \(Self.server).\(ports[0])")
            .replacing(" M ", with: " \(bench.settings.directory)/maps/web.production.map ")
            .replacing(
              "clear map M", with: "clear map \(bench.settings.directory)/maps/web.production.map"))
      }
    }
  }

  @Test(
    arguments: [
      "conf.d/10-web.production.cfg", "maps/web.production.map", "conf.d/00-global.cfg",
    ], ["edited", "emptied", "deleted"])
  func `a change of a file is found and put right`(_ file: String, _ how: String) async throws {
    try await check { bench, _ in
      let path = "\(bench.settings.directory)/\(file)"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      switch how {
      case "edited":
        try (text + "# by hand\n").write(toFile: path, atomically: true, encoding: .utf8)
      case "emptied": try "".write(toFile: path, atomically: true, encoding: .utf8)
      default: try FileManager.default.removeItem(atPath: path)
      }
    }
  }

  @Test func `a listener that was shut down comes back with a reload`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      let route = bench.route([backend(1, 100, [one])], fallback: 1)
      try await bench.apply(route)
      try bench.runtime("shutdown frontend fe_web.production")
      #expect(try await bench.observe().isListening == false)
      #expect(try await bench.observe().findings.map(\.path) == ["/listen"])
      try await bench.apply(route)
      #expect(try await bench.observe().findings == [])
      #expect(try await bench.answers().names == ["one": 200])
    }
  }

  private func check(_ change: (Bench, [Int]) throws -> Void) async throws {
    try await Bench.with { bench in
      let instances = [try Instance("a"), try Instance("b")]
      let route = bench.route([backend(1, 100, instances)], fallback: 1)
      try await bench.apply(route)
      let before = try await bench.observe()
      #expect(before.findings == [])
      #expect(before.serversUp == [1: 2])
      try change(bench, instances.map(\.port))
      let drifted = try await bench.observe()
      #expect(drifted.findings.isEmpty == false)
      #expect(drifted.revision != before.revision)
      await #expect(throws: PlatformError.self) {
        try await bench.router.apply(route, ifRevision: before.revision)
      }
      #expect(try await bench.observe().findings == drifted.findings)
      let isMapBroken = drifted.route.split != route.split
      let isClosed = !drifted.isListening
      let load = isMapBroken || isClosed ? nil : try Load(bench.port, rate: 100)
      try await bench.router.apply(route, ifRevision: drifted.revision)
      try await eventually { try await bench.observe().serversUp == [1: 2] }
      let after = try await bench.observe()
      #expect(after.findings == [])
      #expect(after.route == route)
      if let report = try await load?.stop() { #expect(report.failed == 0, "\(report.failures)") }
      #expect(try await bench.answers(20).failed == 0)
    }
  }
}
