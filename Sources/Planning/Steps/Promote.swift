import Analysis
import LedgerKit
import Model

/// A candidate that baked healthy becomes stable; the old stable drains and stays warm.
extension TargetPass {
  mutating func promote() {
    hasFinished = false
    guard let rollout = record.rollout else { return forgetAlerts(.approvalNeeded) }
    guard let bake = rollout.bake, isKnown else { return }
    guard rolloutObjection == nil, bake.suffered == .zero else { return }
    let time = rollout.isAdvanced == true ? .zero : bakeTime(of: rollout)
    guard bake.served >= time, isJudgedWell(rollout, bake),
      isTestedWell(rollout), isApproved(rollout, bake)
    else {
      return
    }
    let candidate = rollout.candidate
    guard rollout.isLastStep else { return takeNextStep(rollout) }
    // S20: only a positive verdict promotes.
    guard isComplete(candidate), let stack = stacks[candidate],
      healthy(candidate) >= stack.capacity.declared, isWorker || weight(candidate) == 100
    else { return note("\(candidate) is not promoted: not all instances are healthy") }
    guard isReleased(rollout) else { return }
    _ = record.rollout?.handle(.baked)
    let old = record.stable
    makeStable(candidate)
    forgetTroubles(rollout)
    tell(rollout, from: old)
  }

  /// Its rollout is over, and what was stable drains.
  mutating func makeStable(_ candidate: Generation) {
    (record.rollout, record.group) = (nil, nil)
    if let old = record.stable, old != candidate {
      record.stacks[old]?.become(stacks[old] == nil ? .retiring : .draining)
    }
    record.stable = candidate
    record.stacks[candidate]?.become(.stable)
    record.stacks[candidate]?.wasStable = true
    record.stacks[candidate]?.hasDrifted = false
  }

  /// What the step in progress bakes.
  func bakeTime(of rollout: RolloutMachine) -> Duration { rollout.step?.bake ?? policy.bake }

  private mutating func takeNextStep(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard isProven(candidate) else {
      return note("\(candidate) takes no further step: not all instances are healthy")
    }
    _ = record.rollout?.handle(.baked)
    tellStep(after: rollout)
  }

  mutating func tellStep(after rollout: RolloutMachine) {
    guard let next = record.rollout, next.position.step != rollout.position.step else { return }
    forgetAlerts(.approvalNeeded)
    let judged = rollout.weightPercent < 100 ? rollout.judgement : nil
    let step = "step \(next.position.step) of \(next.position.of)"
    entries.append(
      LedgerEntry(
        at: facts.now.wall, kind: .decision, target: id, generation: rollout.candidate,
        message: "\(rollout.candidate) goes from \(rollout.weightPercent) % to"
          + " \(next.weightPercent) % (\(step))" + (judged.map { ": \($0.words)" } ?? ""),
        details: judged.map(details)))
  }

  /// Nobody need approve what follows, or somebody has. Not in time is no evidence.
  private mutating func isApproved(_ rollout: RolloutMachine, _ bake: RolloutMachine.Bake) -> Bool {
    guard let within = rollout.step?.approvalWithin, rollout.isApproved != true,
      rollout.isAdvanced != true
    else { return true }
    let waited = bake.approvalWait ?? .zero
    note(
      "waits for an approval of what follows \(rollout.weightPercent) %, \(waited.rounded.text) of"
        + " \(within.text)")
    alertOnce(
      .approvalNeeded, .info, about: "\(rollout.candidate)-\(rollout.position.step)",
      "\(id): \(rollout.candidate) has baked with \(rollout.weightPercent) % and waits for an approval"
    )
    if waited >= within {
      fail(
        .init(
          .noEvidence, "nobody approved what follows \(rollout.weightPercent) % in \(within.text)"))
    }
    return false
  }

  private mutating func forgetTroubles(_ rollout: RolloutMachine) {
    (record.supersedes, record.noEvidence, record.namesTaken) = (0, 0, 0)
    record.backOffs[.launch] = nil
    if let hold = record.hold, hold.reason != .removal, hold.reason != .breaker {
      record.hold = nil
    }
    let digest = record.stacks[rollout.candidate]?.stackDigest
    if record.breaker.digest != digest { record.breaker = Breaker() }
    record.breaker.lastRollout = rollout.total
  }

  private mutating func tell(_ rollout: RolloutMachine, from old: Generation?) {
    let candidate = rollout.candidate
    let version = record.stacks[candidate]?.version ?? ""
    let digest = record.stacks[candidate]?.stackDigest.short ?? ""
    let before = old.map { " after \($0)" } ?? ""
    let text = "\(candidate) (\(version)) is stable\(before)"
    say(.decision, candidate, text)
    let reason: AlertReason =
      switch rollout.cause {
      case .commit, .repair: .rolloutCompleted
      case .drift: .driftReplaced
      case .rollback: old.map { candidate < $0 } == true ? .rolledBack : .rolloutCompleted
      }
    let subject =
      rollout.isReuse
      ? "\(candidate)-\(digest)-after-\(old?.description ?? "none")"
      : "\(candidate)-\(digest)"
    alert(reason, .info, about: subject, "\(id): \(text)")
  }
}
