import Model

/// A new version is tested before it has traffic, and after each step.
extension PlanChecks {
  /// S1 and S20: nothing leaves the point at which it is to be tested before each of its tests has passed there.
  static let testedWell: Rule = { checked in
    guard let before = checked.before?.rollout, let declared = before.tests?.declared else {
      return []
    }
    let candidate = before.candidate
    let missing = declared.filter { test in
      let results = [before.tests?.results[test.name], checked.target.tests?[test.name]]
      if results.contains(where: { $0?.verdict == .passed }) { return false }
      // A command is read off its stack.
      let task = "test-\(test.name)-\(before.tests?.round ?? 0)"
      return checked.stacks[candidate]?.tasks?.contains {
        $0.name == task && $0.state == .succeeded
      } != true
    }
    guard let first = missing.first else { return [] }
    if let after = checked.after?.rollout, after.candidate == candidate {
      let isFirst = before.formerWeightPercent == 0 && before.phase == .gating
      if isFirst, !isServiceLost(checked),
        after.phase == .shifting || after.phase == .baking || after.phase == .promoted
      {
        return ["\(candidate) passes its gate without test \(first.name)"]
      }
      let isNext = before.phase == .baking && after.position.step == before.position.step + 1
      if isNext, after.isTakingOver != true, !isAdvanceAsked(checked) {
        return ["\(candidate) takes a step without test \(first.name)"]
      }
      return []
    }
    let isPromoted =
      checked.after?.stable == candidate && before.phase == .baking && before.isLastStep
    guard isPromoted, before.isAdvanced != true, before.stop == nil,
      !isFollowed(before, checked), !isAdopted(candidate, checked), !isAdvanceAsked(checked)
    else { return [] }
    return ["\(candidate) is promoted without test \(first.name)"]
  }

  /// What serves, or is to serve, does not: anything is better.
  static func isServiceLost(_ checked: CheckedPlan) -> Bool {
    let serving = (checked.route?.route.backends ?? []).filter { $0.weightPercent > 0 }
    if serving.contains(where: { checked.stacks[$0.generation]?.endpoints.isEmpty ?? true }) {
      return true
    }
    return checked.before?.stable != nil && isStableFailing(checked)
  }
}
