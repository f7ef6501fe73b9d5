import LedgerKit
import Model

/// What the executor was told: never a proof, only a reason to wait before asking again.
extension TargetPass {
  mutating func takeOutcomes() {
    if elapsed > .zero || !input.outcomes.isEmpty {
      record.route.isUnread = input.outcomes.contains { outcome in
        guard case .route(let written, _) = outcome.action else { return false }
        return written.split != route?.route.split
      }
    }
    for outcome in input.outcomes {
      let verb = outcome.action.verb
      switch outcome.result {
      case .done:
        // A launch counts as a success only once the rollout is promoted.
        if verb != .launch { record.backOffs[verb] = nil }
      case .waiting: break
      case .conflict(let reason): backOff(verb, reason, limit: .seconds(4))
      case .transient(let reason): backOff(verb, reason)
      case .rejected(.stack, let reason): reject(outcome.action, reason)
      case .rejected(.platform, let reason), .rejected(.noEvidence, let reason):
        backOff(verb, reason)
      }
    }
  }

  private mutating func reject(_ action: Action, _ reason: String) {
    guard case .ensure(let order) = action,
      record.rollout?.candidate == order.stack.generation
    else { return backOff(action.verb, reason) }
    fail(.init(.stackFault, reason))
  }

  /// Doubles from one second to five minutes. Full jitter needs chance, which a planner has not:
  /// a hash of target and attempt spreads targets just as well.
  mutating func backOff(
    _ verb: Action.Verb, _ reason: String, limit: Duration = .seconds(300)
  ) {
    let attempts = (record.backOffs[verb]?.attempts ?? 0) + 1
    let whole = min(Duration.seconds(1 << min(attempts - 1, 9)), limit)
    let hash = Digest.of("\(id) \(verb.rawValue) \(attempts)").hex.prefix(4)
    let share = Int(hash, radix: 16) ?? 0
    let remaining = whole / 2 + whole / 2 * share / 0xFFFF
    record.backOffs[verb] = BackOff(attempts: attempts, remaining: remaining, reason: reason)
  }

  /// Why this kind of call must wait; nil when it need not.
  func delay(of verb: Action.Verb) -> String? {
    guard let backOff = record.backOffs[verb], backOff.remaining > .zero else { return nil }
    return "tries again in \(backOff.remaining.rounded.text): \(backOff.reason)"
  }

  /// Ends the rollout in progress without a promotion; too late changes nothing.
  mutating func fail(_ failure: RolloutMachine.Failure) {
    guard let rollout = record.rollout else { return }
    if let effects = record.rollout?.handle(.failed(failure)), !effects.isEmpty {
      say(
        .decision, rollout.candidate,
        "takes \(rollout.candidate) back (\(failure.kind.rawValue)): \(failure.reason)")
    }
  }
}

extension Duration {
  /// To whole seconds, upwards: for people.
  var rounded: Duration {
    let milliseconds = wholeMilliseconds
    return .seconds((milliseconds + 999) / 1000)
  }
}
