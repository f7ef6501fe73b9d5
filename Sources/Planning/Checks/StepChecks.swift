import Analysis
import Model

/// A canary goes step by step, each with its own proof.
extension PlanChecks {
  /// S1: a candidate is given no more than the share of its step.
  static let noMoreThanItsStep: Rule = { checked in
    guard let rollout = checked.after?.rollout else { return [] }
    return checked.raised.filter { $0.generation == rollout.candidate }.compactMap { backend in
      let bound = rollout.step.map(\.weightPercent) ?? 100
      guard backend.weightPercent > bound else { return nil }
      return "\(backend.generation) gets \(backend.weightPercent) %, its step gives \(bound) %"
    }
  }

  /// S20: the next step begins only after the bake of this one, and where a person has to approve it, with
  /// that. A person who advances it, or a stable that serves too little, needs neither.
  static let stepsNeedProof: Rule = { checked in
    guard let before = checked.before?.rollout, let after = checked.after?.rollout,
      before.candidate == after.candidate, before.position.step < after.position.step,
      let step = before.step
    else { return [] }
    let candidate = before.candidate
    let isUrgent = isAdvanceAsked(checked) || isStableFailing(checked)
    var wrong: [String] = []
    if after.formerJudgement?.replayed().verdict == .fail {
      wrong.append("\(candidate) takes a step although its traffic fails")
    }
    if !isUrgent {
      let served = (before.bake?.served ?? .zero) + passed(checked)
      if served < step.bake {
        wrong.append("\(candidate) takes a step after \(served.text) of \(step.bake.text)")
      }
      if step.approvalWithin != nil, !isApproved(before, checked) {
        wrong.append("\(candidate) takes a step that nobody has approved")
      }
      if !isJudgedWell(before, after) {
        wrong.append("\(candidate) takes a step and its traffic was not judged to be good")
      }
      if after.position.step != before.position.step + 1 {
        wrong.append("\(candidate) leaves out a step")
      }
    }
    return wrong
  }

  /// Judged once more, from what the verdict is said to be made from.
  private static func isJudgedWell(_ before: RolloutMachine, _ after: RolloutMachine) -> Bool {
    guard before.analysis != nil, before.weightPercent < 100 else { return true }
    guard let judged = after.formerJudgement,
      judged.measurements.candidateWeightPercent == before.weightPercent
    else { return false }
    return judged.replayed().verdict.permitsPromotion
  }

  static func isApproved(_ rollout: RolloutMachine, _ checked: CheckedPlan) -> Bool {
    rollout.isApproved == true
      || checked.input.requests.contains { $0.verb == .approve(checked.plan.target) }
  }

  static func isAdvanceAsked(_ checked: CheckedPlan) -> Bool {
    checked.input.requests.contains { request in
      guard case .advance(checked.plan.target, _) = request.verb else { return false }
      return true
    }
  }

  static func isStableFailing(_ checked: CheckedPlan) -> Bool {
    guard let stable = checked.before?.stable else { return true }
    guard let seen = checked.stacks[stable], seen.phase == .complete else { return true }
    return checked.healthy(stable)
      < min(seen.capacity.declared, checked.spec?.spec.instances ?? .max)
  }
}
