import Model

/// What is declared together is not promoted apart.
extension PlanChecks {
  /// Group: a candidate becomes stable only together with what is on its way for the same commit, and never
  /// while one of those has failed; a person may let it go alone.
  static let promotedTogether: Rule = { checked in
    guard let before = checked.before, let group = before.group, let rollout = before.rollout,
      rollout.cause == .commit, before.stable != rollout.candidate,
      checked.after?.stable == rollout.candidate, group.alone != rollout.candidate,
      !isAdvanceAsked(checked), !isAdopted(rollout.candidate, checked),
      !isFollowed(rollout, checked)
    else { return [] }
    let own = checked.plan.target
    return checked.output.plan.compactMap { other in
      guard other.target != own, other.target.environment == own.environment,
        let record = other.record, let membership = record.group, membership.name == group.name,
        membership.source == group.source,
        !Set(membership.commits).isDisjoint(with: group.commits)
      else { return nil }
      if let fault = membership.fault {
        return "\(rollout.candidate) is promoted although a member failed: \(fault.reason)"
      }
      guard let others = record.rollout, others.cause == .commit,
        membership.alone != others.candidate
      else { return nil }
      switch others.failure?.kind {
      case .superseded: return nil
      case .stackFault, .platformFault, .noEvidence, .aborted, .group:
        return "\(rollout.candidate) is promoted while \(other.target) is taken back"
      case nil:
        // What is not declared any more need not wait for what comes after it.
        let hasMovedOn = membership.commits.last.map { !group.commits.contains($0) } ?? false
        let isOld =
          before.stacks[rollout.candidate]?.declaredDigest != checked.spec?.declaredDigest
        return hasMovedOn && isOld ? nil : "\(rollout.candidate) is promoted before \(other.target)"
      }
    }
  }

  /// All that is left to it is to wait for the others of its group: it needs no turn.
  static func hasBaked(_ record: TargetRecord?) -> Bool {
    guard record?.group != nil, let rollout = record?.rollout, rollout.isLastStep,
      let bake = rollout.bake
    else { return false }
    let isOver = rollout.step.map { bake.served >= $0.bake } ?? false
    return rollout.isAdvanced == true || (isOver && rollout.tests?.hasPassed ?? true)
  }
}
