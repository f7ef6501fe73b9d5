import Model

extension PlanChecks {
  /// S10: only absence from a complete, current, non-empty commit takes a target away.
  static let noWipe: Rule = { checked in
    guard takesAway(checked) else { return [] }
    guard case .removed(let source, let commit, _) = checked.target.desired else {
      return ["takes away a target that no commit removes"]
    }
    guard let state = checked.input.sources[source] else { return ["its source is not known"] }
    var wrong: [String] = []
    if state.health != .current {
      wrong.append("takes away a target while \(source) is not current")
    }
    if !state.isComplete { wrong.append("takes away a target by an incomplete commit") }
    if state.targetCount == 0 { wrong.append("takes away a target by the empty commit \(commit)") }
    return wrong
  }

  /// S10: removals that begin stay within both caps of 24 h, or were confirmed for this commit.
  static let removalsWithinCap: Rule = { checked in
    guard case .removed(let source, let commit, _) = checked.target.desired, takesAway(checked)
    else { return [] }
    let id = checked.plan.target
    guard let begun = checked.output.memory.removals.first(where: { $0.target == id }) else {
      return ["a removal that is not counted"]
    }
    let isNew = !checked.input.memory.removals.contains { $0.target == id }
    let isApproved = checked.output.memory.approvedRemovals.contains(commit)
    guard isNew, !isApproved, begun.source == source else { return [] }
    let day = Duration.seconds(24 * 3600)
    let recent = checked.output.memory.removals.filter { $0.age < day }
    let ofSource = recent.count { $0.source == source }
    var wrong: [String] = []
    let limits = checked.input.limits
    let sourceCap = max(
      limits.removals, declared(in: source, checked) * limits.removalsPercent / 100)
    if ofSource > sourceCap {
      wrong.append("removal \(ofSource) of \(source) within 24 h, \(sourceCap) may be")
    }
    let all = checked.input.sources.keys.map { declared(in: $0, checked) }.reduce(0, +)
    let agentCap = max(limits.agentRemovals, all * limits.agentRemovalsPercent / 100)
    if recent.count > agentCap {
      wrong.append("removal \(recent.count) of this agent within 24 h, \(agentCap) may be")
    }
    return wrong
  }

  /// Targets of the source, those included that its newest commits took away.
  private static func declared(in source: SourceName, _ checked: CheckedPlan) -> Int {
    let removed = checked.input.targets.count { target in
      guard case .removed(source, _, _) = target.desired else { return false }
      return true
    }
    return (checked.input.sources[source]?.targetCount ?? 0) + removed
  }

  /// The plan ends what serves without putting anything in its place.
  private static func takesAway(_ checked: CheckedPlan) -> Bool {
    let isServing = checked.route?.route.backends.contains { $0.weightPercent > 0 } ?? false
    let closes = checked.newRoute.map { $0.backends.allSatisfy { $0.weightPercent == 0 } } ?? false
    if isServing, closes, !checked.allowsDowntime { return true }
    let removesRoute = checked.plan.actions.contains { action in
      guard case .removeRoute = action else { return false }
      return true
    }
    if removesRoute, !checked.isWorker || checked.isRemovalAllowed { return true }
    let stable = checked.before?.stable
    let retiresStable = checked.retirements.contains { $0.generation == stable }
    let parksStable = checked.reductions.contains {
      $0.count == 0 && $0.stack.generation == stable
    }
    // Parked for another to take its place, as a repair does while the removal is held.
    let isReplaced =
      checked.after?.rollout.map { rollout in
        let declared = checked.stacks[rollout.candidate]?.capacity.declared
        let isThere = declared.map { checked.healthy(rollout.candidate) >= $0 } ?? false
        return rollout.candidate != stable && rollout.cause == .repair
          && (checked.allowsDowntime || (checked.isWorker && isThere))
      } ?? false
    return retiresStable || (checked.isRemoved && parksStable && !isReplaced)
  }
}
