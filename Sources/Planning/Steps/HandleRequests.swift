import LedgerKit
import Model

/// What people asked for since the last pass, oldest first.
extension TargetPass {
  /// `isFirst`: requests about every target are told once, with the first target.
  mutating func handle(_ request: OperatorRequest, isFirst: Bool) {
    let told = tell(request)
    switch request.verb {
    case .pause(let target):
      guard target == id || (target == nil && isFirst) else { return }
      if target == id { record.isPaused = true }
      say(.decision, nil, told)
    case .resume(let target):
      guard target == id || (target == nil && isFirst) else { return }
      if target == id { record.isPaused = false }
      say(.decision, nil, told)
    case .abort(id): abort(request, told)
    case .retry(id): retry(told)
    case .release(id, let digest): release(digest, told)
    case .adopt(let target):
      guard target == id || target == nil else { return }
      if target == id || isFirst { say(.decision, nil, told) }
      guard target == id || isLossOpen || isKnown else { return }
      // What cannot be seen cannot be accepted.
      if let unseen { return say(.decision, nil, "nothing is adopted now: \(unseen)") }
      isAdoptionAsked = true
      if target == id || record.hold?.reason == .ledgerLost || !unclaimedStacks.isEmpty {
        adoptWorld()
      }
    case .approve(id): approve(told)
    case .advance(id, let isFull): advance(told, isFull)
    case .approveFreeze(id): overrideFreeze(request, told)
    case .approveRemoval:
      if isFirst { say(.decision, nil, told) }
    case .abort, .retry, .release, .approve, .approveFreeze, .advance: return
    }
  }

  /// Why the world cannot be judged now.
  private var unseen: String? {
    unknown ?? (isLossUnseen ? "listing and route need not show yet all that is there" : nil)
  }

  /// The ledger was lost, and nobody has said yet what becomes of this target.
  var isLossOpen: Bool {
    record.hold?.reason == .ledgerLost || record.isLossDue == true
  }

  private func tell(_ request: OperatorRequest) -> String {
    let what =
      switch request.verb {
      case .pause(let target): "pauses \(target?.description ?? "everything")"
      case .resume(let target): "resumes \(target?.description ?? "everything")"
      case .abort(let target): "aborts the rollout of \(target)"
      case .retry(let target): "tries \(target) again"
      case .release(let target, let digest):
        "releases \(digest.map { "\($0.short) of " } ?? "")\(target)"
      case .adopt(let target): "adopts \(target?.description ?? "everything") as it is"
      case .approve(let target): "approves the next step of \(target)"
      case .approveFreeze(let target): "lets \(target) through its freeze window"
      case .advance(let target, let isFull):
        isFull ? "takes \(target) to its last step" : "takes \(target) to its next step"
      case .approveRemoval(let commit): "confirms the removals of \(commit.short)"
      }
    return "\(request.by) \(what)" + (request.reason.map { ": \($0)" } ?? "")
  }

  /// S18: with no rollout in progress an abort changes nothing.
  private mutating func abort(_ request: OperatorRequest, _ told: String) {
    guard let rollout = record.rollout, rollout.phase != .rollingBack else {
      return say(.decision, nil, "\(told); nothing is in progress")
    }
    say(.decision, rollout.candidate, told)
    fail(.init(.aborted, "\(request.by) aborted it"), isWish: true)
  }

  private mutating func approve(_ told: String) {
    guard let rollout = record.rollout, rollout.phase == .baking,
      rollout.step?.approvalWithin != nil, rollout.isApproved != true
    else { return say(.decision, nil, "\(told); no step waits for that") }
    say(.decision, rollout.candidate, told)
    _ = record.rollout?.handle(.approved)
  }

  /// What has failed its health gate, or was never given traffic, is not waited for: it is not ready.
  private mutating func advance(_ told: String, _ isFull: Bool) {
    guard let rollout = record.rollout, rollout.phase == .baking else {
      return say(.decision, nil, "\(told); no step bakes")
    }
    // What is held has been told to fail already: whoever says so knows it.
    if rollout.stop == nil, let failure = trafficFailure(rollout) {
      return say(.decision, rollout.candidate, "\(told); not done, for it fails: \(failure.reason)")
    }
    if let bake = rollout.bake, bake.suffered > .zero {
      return say(.decision, rollout.candidate, "\(told); not done, for it is not healthy")
    }
    say(.decision, rollout.candidate, told)
    resume()
    leaveGroup(rollout, isFull: isFull)
    _ = record.rollout?.handle(.advanced(isFull: isFull))
    tellStep(after: rollout)
  }

  mutating func retry(_ told: String, withJobs: Bool = true) {
    say(.decision, nil, told)
    resume()
    record.group?.fault = nil
    // What was asked for before has not ended yet.
    _ = record.rollout?.handle(.forgiven(.init(.superseded, told)))
    if let reason = record.hold?.reason, reason != .ledgerLost, reason != .breaker,
      reason != .removal
    {
      record.hold = nil
    }
    if let digest = desiredDigest {
      record.quarantined[digest] = nil
      if withJobs { allowJobsAgain(of: digest) }
    }
    record.backOffs = [:]
    for generation in record.stacks.keys { record.stacks[generation]?.backOff = nil }
    (record.noEvidence, record.namesTaken, record.supersedes) = (0, 0, 0)
  }

  private mutating func release(_ digest: Digest?, _ told: String) {
    say(.decision, nil, told)
    allowJobsAgain(of: digest)
    if let digest {
      record.quarantined[digest] = nil
    } else {
      record.quarantined = [:]
    }
    record.breaker = Breaker(lastRollout: record.breaker.lastRollout)
    record.route.repairs = []
    record.group?.fault = nil
    if record.hold?.reason == .breaker || record.hold?.reason == .quarantined {
      record.hold = nil
    }
  }
}
