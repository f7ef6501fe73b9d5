import LedgerKit
import Model

/// A rollout that failed: traffic returns to stable, then the candidate is put away (L3).
extension TargetPass {
  mutating func rollBack() {
    guard let rollout = record.rollout, let failure = rollout.failure, isKnown else { return }
    if hasTakenBack(rollout) {
      _ = record.rollout?.handle(.tookBack)
      end(rollout, failure, isConceded: false)
    } else if cannotReturn(rollout) {
      end(rollout, failure, isConceded: true)
    }
  }

  /// As observed: the candidate has nothing any more, and stable is not waited for.
  private func hasTakenBack(_ rollout: RolloutMachine) -> Bool {
    let candidate = rollout.candidate
    let isQuiet = isParked(candidate) || !isComplete(candidate)
    let hasNothing = isWorker || (weight(candidate) == 0 && isRouteSettled)
    if rollout.strategy == .recreate { return hasNothing && isQuiet }
    guard isWorker else { return hasNothing }
    guard let stable = record.stable, isStableThere else { return isQuiet }
    // The candidate was parked only after stable had proved itself (`takeBack`).
    return isQuiet && isMeantToRunFully(stable)
  }

  /// There is nothing to return to, or nothing in time: what serves goes on serving, and the next
  /// version is not kept waiting (L3, L5). The traffic still goes to stable once that can take it.
  private func cannotReturn(_ rollout: RolloutMachine) -> Bool {
    let isServing = isWorker ? !isParked(rollout.candidate) : weight(rollout.candidate) > 0
    guard isServing else { return rollout.elapsed >= facts.limits.phaseDeadline }
    guard let stable = record.stable, let stack = stacks[stable], isStableThere else {
      return true
    }
    // As long as its own gate would give it to become healthy.
    let deadline = min(stack.certificate.spec.health.deadline, facts.limits.phaseDeadline)
    let isHopeless = probe(stable) != nil && healthy(stable) == 0
    let isNextWaiting = spec != nil && !isAsDeclared(rollout.candidate) && !isAsDeclared(stable)
    return rollout.elapsed >= deadline || (isHopeless && isNextWaiting)
  }

  /// `isConceded`: nothing can take its place, so what has the traffic goes on serving.
  private mutating func end(
    _ rollout: RolloutMachine, _ failure: RolloutMachine.Failure, isConceded: Bool
  ) {
    let candidate = rollout.candidate
    let digest = record.stacks[candidate]?.stackDigest
    record.rollout = nil
    remember(rollout, failure, digest)
    let role = role(after: rollout, failure)
    record.stacks[candidate]?.become(role)
    let serves =
      isConceded
      ? "\(candidate) goes on serving, as nothing else can"
      : record.stable.map {
        isMeantToRunFully($0) ? "\($0) serves" : "\($0) is started again"
      } ?? "nothing serves"
    say(.decision, candidate, "\(candidate) is taken back: \(serves)")
    tellEnd(rollout, failure, digest, serves)
  }

  private func role(
    after rollout: RolloutMachine, _ failure: RolloutMachine.Failure
  ) -> StackRole {
    if rollout.isReuse {
      let isHarmless = failure.kind == .aborted || failure.kind == .superseded
      return isHarmless ? .warm : .superseded
    }
    return failure.kind == .stackFault ? .quarantined : .superseded
  }

  /// Failure memory, by class.
  private mutating func remember(
    _ rollout: RolloutMachine, _ failure: RolloutMachine.Failure, _ digest: Digest?
  ) {
    guard let digest else { return }
    switch failure.kind {
    case .stackFault:
      guard !rollout.isReuse else { return }
      record.quarantined[digest] = Quarantine(
        generation: rollout.candidate,
        declaredDigest: record.stacks[rollout.candidate]?.declaredDigest ?? digest,
        reason: failure.reason, at: facts.now.wall)
      forgetOldQuarantines()
    case .platformFault: backOff(.launch, failure.reason)
    case .noEvidence:
      record.noEvidence += 1
      backOff(.launch, failure.reason, from: .seconds(30))
      let isLast = record.noEvidence > 3
      record.hold = Hold(
        reason: .noEvidence,
        message: "\(failure.reason); "
          + (isLast ? "not tried again until retry" : "retried, \(record.noEvidence) of 3 times"),
        digest: digest)
    case .aborted:
      record.hold = Hold(reason: .aborted, message: failure.reason, digest: digest)
    case .group:
      record.hold = Hold(reason: .group, message: failure.reason, digest: digest)
    case .superseded: break
    }
    rememberFault(rollout, failure, digest)
  }

  /// 32 digests are more than people release, and bound the record.
  private mutating func forgetOldQuarantines() {
    guard record.quarantined.count > 32 else { return }
    let oldest = record.quarantined.min {
      ($0.value.generation, $0.key) < ($1.value.generation, $1.key)
    }
    if let oldest { record.quarantined[oldest.key] = nil }
  }

  private mutating func tellEnd(
    _ rollout: RolloutMachine, _ failure: RolloutMachine.Failure, _ digest: Digest?,
    _ stable: String
  ) {
    let subject = "\(rollout.candidate)-\(digest?.short ?? "")"
    switch failure.kind {
    case .superseded:
      guard let back = record.stable, isAsDeclared(back), rollout.hasServed == true else { return }
      alert(.rolledBack, .info, about: subject, "\(id): \(failure.reason); \(stable)")
    case .aborted, .group:
      alert(.rolledBack, .info, about: subject, "\(id): \(failure.reason); \(stable)")
    case .stackFault, .platformFault, .noEvidence:
      alert(
        .rolloutFailed, .error, about: subject,
        "\(id): \(rollout.candidate) failed (\(failure.kind.rawValue)): \(failure.reason); \(stable)"
      )
    }
  }
}
