import LedgerKit
import Model

/// `onNewCommit: queue`: each version that was declared has its own rollout.
extension TargetPass {
  /// What is declared while a rollout is under way waits behind what was declared before it.
  mutating func enqueue() {
    guard let rollout = record.rollout, rollout.phase != .rollingBack, let order = declaredOrder,
      let candidate = record.stacks[rollout.candidate], candidate.stackDigest != order.stackDigest,
      record.queue?.last?.stackDigest != order.stackDigest
    else { return }
    var queue = record.queue ?? []
    // Whoever commits faster than versions can be rolled out skips some in the end.
    if queue.count == Self.longestQueue { queue.removeLast() }
    record.queue = queue + [order]
    say(.decision, nil, "queues \(order.version): \(order.commit.short) declares it")
  }

  private static var longestQueue: Int { 10 }

  /// Begins the next of what waits; `false`: nothing does but what is declared now.
  mutating func startQueued() -> Bool {
    trimQueue()
    guard let next = record.queue?.first else { return false }
    let waiting = objection(to: .new, digest: next.stackDigest) ?? clash ?? dependency
    if let obstacle = waiting ?? record.hold?.message ?? obstacleToRolling
      ?? obstacleToAnyLaunch
    {
      note("\(next.version) waits in the queue: \(obstacle)")
    } else if hasTurn(for: .commit) {
      record.queue?.removeFirst()
      begin(next, .commit)
    }
    return true
  }

  /// What serves already, or failed, waits no more; what is declared now needs no place in the queue.
  private mutating func trimQueue() {
    guard let queue = record.queue else { return }
    guard policy.onNewCommit == .queue else {
      record.queue = nil
      return
    }
    let stable = record.stable.flatMap { record.stacks[$0]?.stackDigest }
    let rest = queue.drop { $0.stackDigest == stable || record.quarantined[$0.stackDigest] != nil }
    let isOver = rest.isEmpty || (rest.count == 1 && rest.first?.stackDigest == desiredDigest)
    record.queue = isOver ? nil : Array(rest)
  }
}
