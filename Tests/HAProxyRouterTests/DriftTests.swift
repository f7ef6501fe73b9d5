import Foundation
import Glibc
import HAProxyRouter
import LedgerKit
import Model
import Planning
import PlatformKit
import Support
import Testing

/// Every change that somebody makes by hand is told in four words and put right in place, whatever
/// else is going on, and without a lost request.
@Suite struct DriftTests {
  @Test(.timeLimit(.minutes(2)), arguments: RouteScene.Situation.allCases)
  func `a change by hand is told as it is and put right, in every situation`(
    situation: RouteScene.Situation
  ) async throws {
    try await Bench.with { bench in
      let scene = try await RouteScene(bench, situation)
      var paths: [String] = []
      for row in routeTable where situation != .candidate || row.isOfServer {
        paths += try await check(row, scene)
      }
      guard situation == .quiet else { return }
      for pattern in HAProxyRouter.fields {
        #expect(paths.contains { matches($0, pattern) }, "nobody changes \(pattern)")
      }
      for path in paths {
        #expect(HAProxyRouter.fields.contains { matches(path, $0) }, "\(path) is not listed")
      }
    }
  }

  /// The answer is what was told of.
  private func check(_ row: RouteChange, _ scene: RouteScene) async throws -> [String] {
    let before = try await scene.bench.observe()
    try await row.make(scene)
    let seen = try await scene.bench.observe()
    let told = seen.findings.map {
      RouteChange.Told($0.word, $0.path, $0.expected, $0.actual)
    }
    let expected = try row.findings(scene)
    #expect(Set(told) == Set(expected) && told.count == expected.count, "\(row): \(told)")
    #expect(seen.findings.allSatisfy { $0.resource == "route web@production" })
    #expect(seen.revision != before.revision, "\(row)")
    let phase = scene.target.record.rollout?.phase
    let plan = try await scene.pass()
    #expect(plan.status.findings == seen.findings, "\(row)")
    #expect(plan.status.sync == .outOfSync, "\(row)")
    #expect(plan.record?.rollout?.phase == phase && plan.record?.hold == nil, "\(row)")
    #expect(plan.alerts.contains { $0.reason == "RouteRepaired" }, "\(row)")
    #expect(plan.actions == [.route(before.route, ifRevision: seen.revision)], "\(row)")
    if scene.situation == .candidate, seen.serversUp[2] != 1 || seen.route != before.route {
      // Even a proven candidate gets nothing through a server that does not serve as it should.
      var proven = scene.target
      proven.sick = []
      let shift = try proven.pass()
      #expect(shift.actions.allSatisfy { !$0.gives(2) }, "\(row)")
    }
    await #expect(throws: PlatformError.self) {
      try await scene.bench.router.apply(before.route, ifRevision: before.revision)
    }
    try await scene.recover()
    #expect(try await scene.bench.observe().route == before.route, "\(row)")
    #expect(try await scene.bench.names(20).values.reduce(0, +) == 20, "\(row)")
    return told.map(\.path)
  }

  @Test(arguments: [
    "conf.d/10-web.production.cfg", "maps/web.production.map", "counters/web.production.json",
  ])
  func `a route that cannot be read is not in sync, and hides no other`(
    file: String
  ) async throws {
    try await Bench.with { bench in
      let scene = try await RouteScene(bench, .quiet)
      let other = TargetID("other", "production")
      try await bench.router.apply(
        bench.route([], target: other, port: try Ports.one()), ifRevision: nil)
      let path = "\(bench.settings.directory)/\(file)"
      // Root reads every file, but nobody reads a directory as one.
      unlink(path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try bench.runtime("disable frontend fe_other.production")
      let plan = try await scene.pass()
      #expect(plan.actions == [])
      #expect(plan.status.sync == .unknown)
      let finding = try #require(plan.status.findings.first)
      #expect(plan.status.findings.count == 1)
      #expect(finding.word == .notChecked && finding.resource == "route web@production")
      #expect(finding.actual?.contains(path) == true, "\(finding)")
      #expect(try await bench.observe(other).findings.map(\.path) == ["/listen/status"])
      try FileManager.default.removeItem(atPath: path)
      try await scene.recover()
    }
  }

  @Test func `a worker that does not answer makes its route unknown, and nothing is written`()
    async throws
  {
    try await Bench.with { bench in
      let scene = try await RouteScene(bench, .quiet)
      let pid = try bench.currentWorker()
      kill(pid, SIGSTOP)
      let plan = try await scene.pass()
      kill(pid, SIGCONT)
      #expect(plan.actions == [] && plan.status.sync == .unknown)
      #expect(plan.status.findings.map(\.word) == [.notChecked])
      #expect(plan.status.findings.first?.actual?.contains("did not answer in time") == true)
      try await scene.recover()
    }
  }
}

extension Action {
  fileprivate func gives(_ generation: Generation) -> Bool {
    guard case .route(let route, _) = self else { return false }
    return route.weightPercent(of: generation) > 0
  }
}

/// `*` is one name.
private func matches(_ path: String, _ pattern: String) -> Bool {
  let (parts, wanted) = (path.split(separator: "/"), pattern.split(separator: "/"))
  return parts.count == wanted.count
    && zip(parts, wanted).allSatisfy { part, want in want == "*" || part == want }
}
