import Agent
import Model
import Planning
import Testing

@Suite struct GlanceTests {
  private let target = TargetID("web", "production")

  private func at(_ milliseconds: Int) -> Now {
    Now(bootID: "boot", sinceBoot: .milliseconds(milliseconds), wall: WallTime(milliseconds: 0))
  }

  /// A rollout that has come as far as these events bring it.
  private func record(_ events: RolloutMachine.Event...) -> TargetRecord {
    var record = TargetRecord()
    var rollout = RolloutMachine(candidate: 2, from: 1, cause: .commit)
    for event in events { _ = rollout.handle(event) }
    record.rollout = rollout
    return record
  }

  private func pause(
    _ glance: inout Glance, _ record: TargetRecord, cost: Duration = .zero, at milliseconds: Int
  ) -> Duration? {
    glance.pause(
      for: [target: record], cost: cost, interval: .seconds(1), at: at(milliseconds))
  }

  @Test func `a launch is looked at at once, then ever more seldom, then by the timer alone`() {
    var glance = Glance()
    #expect(pause(&glance, record(), at: 1000) == .milliseconds(20))
    #expect(pause(&glance, record(), at: 1100) == .milliseconds(20))
    #expect(pause(&glance, record(), at: 1800) == .milliseconds(100))
    #expect(pause(&glance, record(), at: 5000) == .milliseconds(500))
    #expect(pause(&glance, record(), at: 6000) == nil)
  }

  @Test func `each phase is a wait of its own, until the candidate serves`() {
    var glance = Glance()
    _ = pause(&glance, record(), at: 0)
    #expect(pause(&glance, record(.launched), at: 3000) == .milliseconds(20))
    let shifting = record(.launched, .gatePassed)
    #expect(pause(&glance, shifting, at: 4000) == .milliseconds(20))
    #expect(pause(&glance, shifting, at: 4400) == .milliseconds(50))
    let baking = record(.launched, .gatePassed, .shifted(restarts: 0))
    #expect(pause(&glance, baking, at: 4500) == nil)
    let failed = record(.failed(RolloutMachine.Failure(.stackFault, "crash loop")))
    #expect(pause(&glance, failed, at: 4600) == nil)
  }

  @Test func `passes that take long leave three quarters of the time free`() {
    var glance = Glance()
    #expect(
      pause(&glance, record(), cost: .milliseconds(40), at: 0) == .milliseconds(120))
    #expect(pause(&glance, record(), cost: .milliseconds(400), at: 10) == nil)
  }

  @Test func `nothing is waited for when nothing is rolled out`() {
    var glance = Glance()
    #expect(pause(&glance, TargetRecord(), at: 0) == nil)
  }
}
