import Model

/// What was complete and has lost what keeps it alive is started again where it is: a dead keeper,
/// or the boot that it ran in. That is no launch; its certificate and its release stay.
extension TargetPass {
  /// What has traffic before stable, so that what serves is back first.
  mutating func restartServing() {
    let stable = record.stable
    restart(lost.filter { weight($0) > 0 || $0 == stable }.max { weight($0) < weight($1) })
  }

  /// The newest of the others.
  mutating func restartOthers() { restart(lost.max()) }

  private mutating func restart(_ generation: Generation?) {
    guard let generation, let stack = stacks[generation] else { return }
    if let obstacle = exclusion(generation) {
      return note("\(generation) is not started again: \(obstacle)")
    }
    act(.ensure(order(repeating: stack.certificate)), "starts \(generation) again")
  }

  private var lost: [Generation] {
    record.stacks.keys.filter { isLaunching($0) && wasComplete($0) }.sorted()
  }

  /// What failed or was superseded while it was launched stays as it is.
  private func wasComplete(_ generation: Generation) -> Bool {
    switch record.stacks[generation]?.role {
    case .stable, .warm, .draining: true
    case .candidate where record.rollout?.candidate == generation:
      switch record.rollout?.phase {
      case .growing, .gating, .shifting, .baking: true
      case .vacating, .launching, .promoted, .rollingBack, .rolledBack, nil: false
      }
    case .candidate, .quarantined, .superseded, .retiring, nil: false
    }
  }
}
