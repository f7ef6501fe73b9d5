import Model

/// A newer commit pre-empts the rollout in progress.
extension TargetPass {
  mutating func supersede() {
    guard let rollout = record.rollout, rollout.phase != .rollingBack, isKnown, let spec else {
      return
    }
    let candidate = rollout.candidate
    guard !isAsDeclared(candidate) else { return }
    if policy.onNewCommit == .queue, record.stable.map(isAsDeclared) != true { enqueue() }
    // A repair by stable's own spec is not about what is declared.
    if rollout.cause == .repair, isRepairOfUndeclared(candidate) { return }
    // Launched as a worker, and traffic is declared now: it has no endpoints and will have none.
    let isUseless = spec.traffic.mode != .none && !isFit(candidate)
    // Of a first version that was given the traffic: taken back now it would go on serving, and be no way
    // back for the next one.
    let given = record.route.wanted?.weightPercent(of: candidate) ?? 0
    let isFirst = record.stable == nil && max(given, weight(candidate)) > 0
    if rollout.cause == .repair || isFirst, rollout.phase == .shifting, !isUseless {
      return note("\(spec.version) waits: \(candidate) is about to serve, and nothing else does")
    }
    if let stable = record.stable, isAsDeclared(stable), isStableThere {
      record.queue = nil
      return fail(
        .init(.superseded, "\(spec.commit.short) declares \(stable) again"), isWish: true)
    }
    if isPastReturn(rollout) { return goForward(from: rollout) }
    // Where only a person is missing, or the others of its group, there is no verdict to come.
    let isLeftToPerson = rollout.bake?.approvalWait != nil || isLeftBehind
    if rollout.phase == .baking, rollout.weightPercent == 100, !isLeftToPerson, isFit(candidate) {
      return note("\(spec.version) waits for the verdict on \(candidate)")
    }
    // L5: what the platform can not launch keeps nobody waiting.
    let isStuck =
      isUseless || (rollout.phase == .launching && (record.backOffs[.launch]?.attempts ?? 0) > 1)
    if policy.onNewCommit != .supersede, !isStuck {
      return note(
        "\(spec.version) waits for \(candidate) to end (\(policy.onNewCommit.rawValue))")
    }
    guard record.supersedes < 3 || isStuck else {
      return note("\(spec.version) waits for \(candidate) to end: superseded three times")
    }
    if let objection = objection(to: .new, digest: desiredDigest) {
      return note("\(spec.version) does not supersede \(candidate): \(objection)")
    }
    record.supersedes += 1
    fail(.init(.superseded, "\(spec.commit.short) declares \(spec.version)"))
  }

  private func isRepairOfUndeclared(_ candidate: Generation) -> Bool {
    guard let digest = record.stacks[candidate]?.stackDigest else { return false }
    let cannotLaunch =
      desiredDigest.map { record.quarantined[$0] != nil || record.hold?.digest == $0 } ?? true
    let waits = cannotLaunch || declaredOrder.map(beginsWithJobs) == true
    return record.stable.flatMap { record.stacks[$0]?.stackDigest } == digest && waits
  }
}
