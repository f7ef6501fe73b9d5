import Manifest
import Model
import Testing

/// `maxSurge` and `maxUnavailable`, of four instances.
@Suite struct RollingReadingTests {
  private func read(_ bounds: String) -> (RolloutPolicy?, [String]) {
    let state = Example.with("instances: 4\nrollout: { strategy: rolling\(bounds) }").parse()
    return (state.targets.first?.rollout, state.diagnostics.map(\.message))
  }

  @Test(arguments: [
    ("", nil, nil), (", maxSurge: 2", 2, nil), (", maxSurge: 30%, maxUnavailable: 30%", 2, 1),
    (", maxSurge: 0, maxUnavailable: 25%", 0, 1), (", maxUnavailable: 3", nil, 3),
  ])
  func `a number of instances, or a share of them`(
    _ bounds: String, _ surge: Int?, _ unavailable: Int?
  ) throws {
    let (policy, messages) = read(bounds)
    #expect(messages == [])
    #expect(policy?.strategy == .rolling)
    #expect(policy?.maxSurge == surge)
    #expect(policy?.maxUnavailable == unavailable)
  }

  @Test(arguments: [
    (
      ", maxSurge: many",
      "\"maxSurge\" must be a number of instances or a share of them, such as 25%"
    ),
    (
      ", maxSurge: 101%",
      "\"maxSurge\" must be a number of instances or a share of them, such as 25%"
    ),
    (
      ", maxUnavailable: -1",
      "\"maxUnavailable\" must be a number of instances or a share of them, such as 25%"
    ),
    (
      ", maxSurge: 0, maxUnavailable: 20%",
      "with maxSurge 0 and maxUnavailable 0 of 4 nothing could ever move"
    ),
    (", maxUnavailable: 100%", "all 4 instances may be missing"),
  ])
  func `what makes no sense is told`(_ bounds: String, _ message: String) {
    #expect(read(bounds).1 == [message])
  }

  @Test func `they belong to rolling, and rolling to what takes traffic`() {
    let canary = Example.with("rollout: { strategy: canary, maxSurge: 1 }").parse()
    #expect(
      canary.diagnostics.map(\.message)
        == ["\"maxSurge\" and \"maxUnavailable\" belong to strategy: rolling"])
    let alone = Example.with("traffic: { exclusive: true }\nrollout: { strategy: rolling }")
      .parse()
    #expect(
      alone.diagnostics.map(\.message).contains { $0.contains("strategy rolling is for what") })
  }
}
