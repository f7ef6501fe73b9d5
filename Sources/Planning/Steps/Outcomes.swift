import LedgerKit
import Model

/// What the executor was told: never a proof, only a reason to wait before asking again.
extension TargetPass {
  mutating func takeOutcomes() {
    if elapsed > .zero || !input.whole.outcomes.isEmpty {
      record.route.isUnread = input.whole.outcomes.contains { outcome in
        guard case .route(let written, _) = outcome.action else { return false }
        return written.split != route?.route.split
      }
    }
    restartPropagation()
    for outcome in input.whole.outcomes {
      let verb = outcome.action.verb
      rememberAnswer(to: outcome)
      switch outcome.result {
      case .done:
        // A launch counts as a success only once the rollout is promoted.
        if verb != .launch { record.backOffs[verb] = nil }
        if let generation = outcome.action.changed { record.stacks[generation]?.backOff = nil }
        if case .route(let written, _) = outcome.action, written == record.route.wanted {
          record.route.isTaken = true
        }
      case .waiting:
        if case .route(let written, _) = outcome.action, written == record.route.wanted {
          record.route.isAwaited = true
        }
      case .conflict(let reason): refuse(outcome.action, reason, limit: .seconds(4))
      case .rejected(.stack, let reason): reject(outcome.action, reason)
      case .transient(let reason), .rejected(_, let reason): refuse(outcome.action, reason)
      }
    }
  }

  private mutating func refuse(
    _ action: Action, _ reason: String, limit: Duration = .seconds(300)
  ) {
    if case .route(let written, _) = action, written == record.route.wanted {
      record.route.isTaken = false
    }
    backOff(action, reason, limit: limit)
  }

  /// Whatever became of it, it was done by now or never will be.
  private mutating func restartPropagation() {
    for outcome in input.whole.outcomes {
      switch outcome.action {
      case .route, .removeRoute:
        if input.whole.routePropagation > .zero { record.route.sinceWrite = .zero }
      case .ensure, .setInstances, .runTask, .retire:
        if input.whole.stacksPropagation > .zero { record.sinceStackAction = .zero }
      }
    }
  }

  private mutating func rememberAnswer(to outcome: ActionOutcome) {
    guard case .ensure(let order) = outcome.action else { return }
    let generation = order.stack.generation
    switch outcome.result {
    case .done:
      record.stacks[generation]?.sinceLaunchTaken = .zero
      record.stacks[generation]?.isRefused = nil
    case .transient, .rejected(.platform, _), .rejected(.noEvidence, _):
      record.stacks[generation]?.isRefused = true
    case .waiting, .conflict, .rejected(.stack, _): record.stacks[generation]?.isRefused = nil
    }
  }

  private mutating func reject(_ action: Action, _ reason: String) {
    switch action {
    case .ensure(let order) where record.rollout?.candidate == order.stack.generation:
      fail(.init(.stackFault, reason))
    case .runTask(let stack, _) where record.rollout?.candidate == stack.generation:
      fail(.init(.stackFault, reason))
    case .ensure, .runTask, .setInstances, .route, .removeRoute, .retire: refuse(action, reason)
    }
  }

  private mutating func backOff(
    _ action: Action, _ reason: String, limit: Duration = .seconds(300)
  ) {
    guard let generation = action.changed else { return backOff(action.verb, reason, limit: limit) }
    let old = record.stacks[generation]?.backOff
    let new = next(after: old, "\(action.verb.rawValue) \(generation)", reason, limit: limit)
    record.stacks[generation]?.backOff = new
  }

  mutating func backOff(
    _ verb: Action.Verb, _ reason: String, from first: Duration = .seconds(1),
    limit: Duration = .seconds(300)
  ) {
    let old = record.backOffs[verb]
    let new = next(after: old, verb.rawValue, reason, from: first, limit: limit)
    record.backOffs[verb] = new
    guard new.attempts == 5 else { return }
    alert(
      .stuck, .warning, about: "\(verb.rawValue)-\(Digest.of(reason).short)",
      "\(id): five calls in a row failed (\(verb.rawValue)): \(reason)")
  }

  /// Doubles from `first` to `limit`. Full jitter needs chance, which a planner has not: a hash of
  /// target and attempt spreads targets just as well.
  private func next(
    after old: BackOff?, _ call: String, _ reason: String, from first: Duration = .seconds(1),
    limit: Duration
  ) -> BackOff {
    let attempts = (old?.attempts ?? 0) + 1
    let whole = min(first * (1 << min(attempts - 1, 9)), limit)
    let share = Int(Digest.of("\(id) \(call) \(attempts)").hex.prefix(4), radix: 16) ?? 0
    return BackOff(
      attempts: attempts, remaining: whole / 2 + whole / 2 * share / 0xFFFF, reason: reason)
  }

  /// Why this call must wait; nil when it need not.
  func delay(of action: Action) -> String? {
    // S22: what the platform has taken is under way; asked for again, it would not be faster.
    if case .ensure(let order) = action,
      let since = record.stacks[order.stack.generation]?.sinceLaunchTaken
    {
      return "the platform took it \(since.rounded.text) ago"
    }
    let own = action.changed.flatMap { record.stacks[$0]?.backOff }
    return text(of: own ?? record.backOffs[action.verb])
  }

  /// Why this kind of call must wait; nil when it need not.
  func delay(of verb: Action.Verb) -> String? { text(of: record.backOffs[verb]) }

  private func text(of backOff: BackOff?) -> String? {
    guard let backOff, backOff.remaining > .zero else { return nil }
    return "tries again in \(backOff.remaining.rounded.text): \(backOff.reason)"
  }

  /// Ends the rollout in progress without a promotion; too late changes nothing. `isWish`: a person, or a commit,
  /// asks for what served before.
  mutating func fail(_ failure: RolloutMachine.Failure, isWish: Bool = false) {
    guard let rollout = record.rollout else { return }
    if !isWish, isPastReturn(rollout) { return stop(failure) }
    var failure = failure
    if failure.kind == .stackFault, let stable = record.stable,
      isStableDead(beside: rollout.candidate),
      record.stacks[stable]?.stackDigest == record.stacks[rollout.candidate]?.stackDigest
    {
      failure = .init(.noEvidence, "\(failure.reason); \(stable) is the same and fails as well")
    }
    if let effects = record.rollout?.handle(.failed(failure)), !effects.isEmpty {
      say(
        .decision, rollout.candidate,
        "takes \(rollout.candidate) back (\(failure.kind.rawValue)): \(failure.reason)")
    }
  }
}

extension Action {
  /// The existing stack that it is about.
  fileprivate var changed: Generation? {
    switch self {
    case .setInstances(let stack, _), .runTask(let stack, _), .retire(let stack): stack.generation
    case .ensure, .route, .removeRoute: nil
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
