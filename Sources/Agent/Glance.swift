package import Model
package import Planning

/// When the next pass is due before its timer: while a candidate is on its way to the traffic. Neither
/// platform nor router tells that an old stack has ended, a launch is done or a server is up.
package struct Glance: Sendable {
  private struct Wait: Hashable {
    var candidate: Generation
    var phase: RolloutMachine.Phase
  }

  /// What is waited for since when, by the clock of passes.
  private var waits: [TargetID: (wait: Wait, since: Now)] = [:]

  /// A wait that lasts longer is left to the timer.
  private static let longest = Duration.seconds(5)
  /// Passes before their timer take a quarter of the time at most, however long one takes.
  private static let share = 3

  package init() {}

  /// nil: the timer is soon enough. `cost`: how long the last pass took.
  package mutating func pause(
    for records: [TargetID: TargetRecord], cost: Duration, interval: Duration, at now: Now
  ) -> Duration? {
    var pause: Duration?
    var next: [TargetID: (wait: Wait, since: Now)] = [:]
    for (target, record) in records {
      guard let wait = Self.wait(of: record) else { continue }
      let old = waits[target].flatMap { $0.wait == wait ? $0.since : nil }
      let since = old ?? now
      next[target] = (wait, since)
      let waited = now.elapsed(since: since, limit: .seconds(86_400))
      guard waited < Self.longest else { continue }
      let own = Patience.pause(after: waited, atMost: interval)
      pause = min(pause ?? own, own)
    }
    waits = next
    guard let pause else { return nil }
    let bounded = max(pause, cost * Self.share)
    return bounded < interval ? bounded : nil
  }

  private static func wait(of record: TargetRecord) -> Wait? {
    guard let rollout = record.rollout else { return nil }
    switch rollout.phase {
    case .launching:
      guard record.stacks[rollout.candidate]?.isRefused != true else { return nil }
    case .vacating, .growing, .gating, .shifting: break
    case .baking, .promoted, .rollingBack, .rolledBack: return nil
    }
    return Wait(candidate: rollout.candidate, phase: rollout.phase)
  }
}
