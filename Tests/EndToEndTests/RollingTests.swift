import LedgerKit
import Model
import Support
import Testing

/// Instances that follow each other, under real load.
@Suite(.timeLimit(.minutes(15))) struct RollingTests {
  @Test(arguments: [(surge: 1, unavailable: 0), (surge: 0, unavailable: 1)])
  func `no request is lost, and no more and no fewer instances run than may`(
    _ bounds: (surge: Int, unavailable: Int)
  ) async throws {
    let (surge, unavailable) = bounds
    try await withFaulty(
      ["1.0.0": 0, "1.1.0": 0],
      rollout: "strategy: rolling, maxSurge: \(surge), maxUnavailable: \(unavailable),",
      application: ["instances: 2": "instances: 3"]
    ) { host in
      let load = try OpenLoad(host, perSecond: 200)
      try host.remote.bump(to: "1.1.0")
      try await host.until("1.1.0 serves", within: .seconds(120)) {
        let status = try await host.status()
        let stacks = status?.stacks ?? []
        let running = host.pids(of: "faulty.py --port").count
        #expect(running <= 3 + surge, "\(stacks)")
        // What answers, of what has a share: as the agent's own probes show it.
        let serving = stacks.filter { $0.weightPercent > 0 }.map(\.healthy).reduce(0, +)
        #expect(serving >= 3 - unavailable, "\(stacks)")
        let isThere = status?.liveVersion == "1.1.0" && status?.sync == .synced
        return isThere && status?.rollout == nil ? true : nil
      }
      let steps = try await host.history([.decision]).filter { $0.message.contains("goes from") }
      #expect(steps.count == 2)
      // It comes back whole: it was parked.
      try host.remote.revert()
      try await host.synced("1.0.0", within: .seconds(120))
      let report = try load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      #expect(Set(report.names.keys) == ["1.0.0", "1.1.0"])
      try await host.until("the other one is parked") {
        host.pids(of: "faulty.py --port").count == 3 ? true : nil
      }
    }
  }

  @Test func `a version that never answers takes nothing from the one that serves`() async throws {
    try await withFaulty(
      ["1.0.0": 0], rollout: "strategy: rolling,", application: ["deadline: 20s": "deadline: 3s"]
    ) { host in
      let load = try OpenLoad(host, perSecond: 200)
      try host.remote.bump(to: "1.2.0")
      try await host.until("1.2.0 is quarantined", within: .seconds(120)) {
        try await host.status()?.stacks.first { $0.role == "quarantined" }
      }
      let report = try load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      #expect(Array(report.names.keys) == ["1.0.0"])
      #expect(try await host.status()?.stacks.first { $0.role == "stable" }?.running == 2)
    }
  }
}
