import Model

extension PlanChecks {
  /// S6: a generation means one launch of one digest, for ever.
  static let oneStackPerGeneration: Rule = { checked in
    let launches = checked.launches
    guard !launches.isEmpty else { return [] }
    let generations = launches.map(\.stack.generation)
    var wrong = launches.flatMap { repetition(of: $0, checked) }
    if Set(generations).count != generations.count { wrong.append("one generation, two launches") }
    for order in checked.newLaunches {
      let highest = (Array(checked.stacks.keys) + Array(checked.before?.stacks.keys ?? [:].keys))
        .max()
      let generation = order.stack.generation
      if let highest, generation <= highest {
        wrong.append("the new launch \(generation) is not above \(highest)")
      }
      if let next = checked.before?.nextGeneration, generation < next {
        wrong.append("the new launch \(generation) is below the next generation \(next)")
      }
    }
    return wrong
  }

  private static func repetition(of order: LaunchOrder, _ checked: CheckedPlan) -> [String] {
    let generation = order.stack.generation
    var wrong: [String] = []
    let isKnown = checked.before?.stacks[generation] != nil
    if order.stack.target != checked.plan.target, !(isKnown && checked.isOwn(order.stack.target)) {
      wrong.append("\(order.stack) is launched for \(checked.plan.target)")
    }
    if let seen = checked.stacks[generation] {
      if seen.certificate.stackDigest != order.stackDigest {
        wrong.append("\(generation) exists with another digest")
      }
    } else if let known = checked.before?.stacks[generation] {
      if known.stackDigest != order.stackDigest {
        wrong.append("\(generation) is recorded with another digest")
      }
      if known.role != .candidate || known.gatePassed || known.firstSeen != nil {
        wrong.append("\(generation) has lived once and would be launched a second time")
      }
    }
    return wrong
  }

  /// S6: what is launched stands in the record that is written before.
  static let intentBeforeLaunch: Rule = { checked in
    checked.launches.compactMap { order in
      let generation = order.stack.generation
      guard let record = checked.after, let intent = record.stacks[generation] else {
        return "\(generation) is launched without an intent in the record"
      }
      guard intent.stackDigest == order.stackDigest, record.nextGeneration > generation else {
        return "the intent of \(generation) in the record does not fit the launch"
      }
      return nil
    }
  }

  /// S7: the digests of a launch are those of its spec.
  static let digestsAreRecomputed: Rule = { checked in
    checked.newLaunches.compactMap { order in
      guard order.spec.declaredDigest == order.declaredDigest,
        order.spec.stackDigest(order.resolved) == order.stackDigest
      else { return "the digests of \(order.stack.generation) are not those of its spec" }
      return nil
    }
  }

  /// S7: what runs already as declared is launched again only for drift or repair.
  static let noLaunchOfTheSame: Rule = { checked in
    guard let stable = checked.before?.stable, let seen = checked.stacks[stable] else { return [] }
    return checked.newLaunches.compactMap { order in
      guard seen.certificate.stackDigest == order.stackDigest else { return nil }
      switch checked.cause(order.stack.generation) {
      case .drift, .repair: return nil
      case .commit, .rollback, nil:
        return
          "\(order.stack.generation) is what \(stable) already is, and nothing is wrong with it"
      }
    }
  }

  /// S8: one candidate and one stable, and nothing is launched but the candidate.
  static let oneCandidate: Rule = { checked in
    guard let record = checked.after else {
      return checked.newLaunches.map { "\($0.stack.generation) is launched without a record" }
    }
    // While a candidate bakes with all traffic, the next commit's may launch beside it at 0 %; it
    // stays when the verdict on the one that baked is bad.
    let isBaking = checked.before?.rollout.map { checked.weight($0.candidate) == 100 } ?? false
    let hasBaked = record.rollout?.hasServed == true
    var wrong: [String] = []
    for (role, bound) in [(StackRole.candidate, isBaking || hasBaked ? 2 : 1), (.stable, 1)] {
      let count = record.stacks.values.count { $0.role == role }
      if count > bound { wrong.append("\(count) stacks are \(role.rawValue)") }
    }
    if let successor = record.successor,
      let weight = checked.newRoute?.weightPercent(of: successor),
      weight > 0
    {
      wrong.append("\(successor) gets \(weight) % before the verdict on the one that bakes")
    }
    for order in checked.newLaunches where record.rollout?.candidate != order.stack.generation {
      let generation = order.stack.generation
      if !isBaking || record.stacks[generation]?.role != .candidate {
        wrong.append("\(generation) is launched and is not the rollout's candidate")
      }
    }
    return wrong
  }

  /// S8: stable, candidate, baseline, superseded, quarantined, draining, and what retention keeps.
  static let boundedStacks: Rule = { checked in
    guard !checked.newLaunches.isEmpty, let record = checked.after else { return [] }
    let counted = record.stacks.values.count { $0.role != .retiring && !$0.hasDrifted }
    let bound = 6 + (checked.spec?.rollout.retain.stacks ?? 1)
    return counted <= bound ? [] : ["a launch would make \(counted) stacks, \(bound) may be there"]
  }

  /// S8: a rollout begins only within the agent-wide limit, in which what another platform refuses to
  /// launch does not count, nor what a person has to go on with; a rollback is never held up.
  static let boundedRollouts: Rule = { checked in
    guard let new = checked.after?.rollout, new.cause != .rollback,
      checked.before?.rollout == nil
    else { return [] }
    let platform = checked.after?.lastGood?.platform
    // Asked for each launch of all targets: nothing is copied that is not looked at.
    let plans = checked.output.plan
    let running = plans.indices.count { index in
      guard let rollout = plans[index].record?.rollout, rollout.stop == nil,
        !hasBaked(plans[index].record)
      else { return false }
      guard rollout.phase == .launching else { return true }
      let isRefused = plans[index].record?.stacks[rollout.candidate]?.isRefused == true
      return !isRefused || plans[index].record?.lastGood?.platform == platform
    }
    let limit = checked.input.limits.concurrentRollouts
    return running <= limit ? [] : ["\(running) targets have a candidate, \(limit) may"]
  }

  /// S8: for a commit or for drift no more targets of one environment roll out than it allows. What is not
  /// launched, for its platform refuses it, counts for nobody.
  static let boundedWaves: Rule = { checked in
    func rolls(_ record: TargetRecord?) -> Bool {
      guard let rollout = record?.rollout, rollout.stop == nil, !hasBaked(record) else {
        return false
      }
      let isRefused =
        rollout.phase == .launching && record?.stacks[rollout.candidate]?.isRefused == true
      return !isRefused && (rollout.cause == .commit || rollout.cause == .drift)
    }
    guard let limit = checked.spec?.wave, checked.before?.rollout == nil, rolls(checked.after)
    else { return [] }
    let environment = checked.plan.target.environment
    let plans = checked.output.plan
    let running = plans.indices.count { index in
      plans[index].target.environment == environment && rolls(plans[index].record)
    }
    return running <= limit ? [] : ["\(running) targets of \(environment) roll out, \(limit) may"]
  }

  /// S11: what is launched was accepted: it is declared, or is what served before.
  static let onlyAcceptedDigests: Rule = { checked in
    let stable = checked.before?.stable.flatMap { checked.before?.stacks[$0]?.declaredDigest }
    let queued = (checked.before?.queue ?? []).map { Optional($0.declaredDigest) }
    let accepted =
      [checked.spec?.declaredDigest, checked.before?.lastGood?.declaredDigest, stable] + queued
    return checked.newLaunches.compactMap { order in
      accepted.contains(order.declaredDigest)
        ? nil : "\(order.stack.generation) is of a digest that no accepted commit declares"
    }
  }

  /// S21: the same digest is not replaced a fourth time within the window.
  static let breaker: Rule = { checked in
    guard let breaker = checked.before?.breaker else { return [] }
    // A person who releases it in this very pass has said that it may be launched once more.
    let isReleased = checked.input.requests.contains { request in
      guard case .release(checked.plan.target, _) = request.verb else { return false }
      return true
    }
    guard !isReleased else { return [] }
    let window = max(.seconds(3600), breaker.lastRollout * 5)
    let recent = breaker.replacements.count { $0 < window }
    return checked.newLaunches.compactMap { order in
      let isSame = breaker.digest == order.stackDigest || breaker.digest == order.declaredDigest
      guard isSame, recent >= 3, checked.cause(order.stack.generation) != .commit else {
        return nil
      }
      return "\(order.stack.generation) would be replacement \(recent + 1) of one digest"
    }
  }
}
