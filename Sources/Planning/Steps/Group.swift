import LedgerKit
import Model

/// Release groups: what is declared together is promoted together, or taken back together.
extension TargetPass {
  var isGrouped: Bool { spec?.group != nil || record.group != nil || party != nil }

  /// The rollout in progress is part of a release.
  var releaseRollout: RolloutMachine? {
    guard record.group != nil, let rollout = record.rollout, rollout.cause == .commit,
      rollout.failure?.kind != .superseded
    else { return nil }
    return rollout
  }

  /// Something else is declared than what serves, and nothing of it was begun.
  private var isPending: Bool {
    guard spec != nil, !isRemovalAllowed, record.stable.map(isAsDeclared) != true else {
      return false
    }
    guard let rollout = record.rollout else { return true }
    if rollout.cause == .commit { return rollout.failure?.kind == .superseded }
    return !isAsDeclared(rollout.candidate)
  }

  /// Its bakes are over, and others of its release are waited for.
  var isLeftToGroup: Bool {
    hasFinished && party?.isJudged == true && party?.awaited.isEmpty == false
  }

  /// A newer version need not wait for its end. A first version serves, and nothing else could.
  var isLeftBehind: Bool {
    guard record.stable != nil, hasFinished, let party, party.isJudged else { return false }
    return !party.awaited.isEmpty || party.isOvertaken
  }

  // MARK: - Who

  /// What is superseded stays in its release with what comes after it. What runs and is not what is declared
  /// gains nothing by a newer commit.
  mutating func rememberGroup() {
    guard let spec, let name = spec.group, !isRemovalAllowed else {
      record.group = nil
      return
    }
    if let old = record.group, old.name != name || old.source != spec.source { record.group = nil }
    let isUnderWay =
      record.rollout.map { $0.cause == .commit && $0.failure?.kind != .superseded } ?? false
    if isUnderWay, let candidate = record.rollout?.candidate, !isAsDeclared(candidate) { return }
    guard isUnderWay || isPending else {
      record.group = nil
      return
    }
    let commit = spec.digestCommit ?? spec.commit
    var group = record.group ?? GroupMembership(name: name, source: spec.source, commits: [])
    // A target is superseded three times at most; the oldest commits are those nobody is on the way for.
    if !group.commits.contains(commit) { group.commits = (group.commits + [commit]).suffix(8) }
    if let fault = group.fault,
      fault.declaredDigest != spec.declaredDigest
        || desiredDigest.map({ $0 != fault.stackDigest }) == true
    {
      group.fault = nil
    }
    record.group = group
  }

  func seats(at index: Int) -> [ReleaseParties.Seat] {
    guard let group = record.group, let spec else { return [] }
    guard let rollout = releaseRollout else {
      guard isPending else { return [] }
      return [
        .init(
          index: index, target: id, commits: group.commits, isOwn: true, state: stateBeforeRollout)
      ]
    }
    var seats: [ReleaseParties.Seat] = []
    if group.alone != rollout.candidate {
      seats.append(
        .init(
          index: index, target: id, commits: group.commits, isOwn: true, state: state(of: rollout)))
    }
    if !isAsDeclared(rollout.candidate), record.stable.map(isAsDeclared) != true {
      seats.append(
        .init(
          index: index, target: id, commits: [spec.digestCommit ?? spec.commit], isOwn: false,
          state: .awaited("waits for the end of \(rollout.candidate)")))
    }
    return seats
  }

  private func state(of rollout: RolloutMachine) -> ReleaseParties.Seat.State {
    if let failure = rollout.failure {
      return failure.kind == .group
        ? .awaited("is taken back") : .faulty(words(of: failure.reason))
    }
    if hasFinished { return .finished }
    if let objection = rolloutObjection { return .awaited("stays where it is: \(objection)") }
    if rollout.bake?.approvalWait != nil { return .awaited("waits for an approval") }
    if isLaunchRefused { return .awaited("is not launched: its platform refuses it") }
    return .awaited("is in its rollout (\(rollout.phase.rawValue))")
  }

  private var stateBeforeRollout: ReleaseParties.Seat.State {
    if let fault = record.group?.fault { return .faulty(fault.reason) }
    if case .failed(.stack, let reason) = input.whole.resolution {
      return .faulty("\(id) of its group can not be launched: \(reason)")
    }
    if let digest = desiredDigest {
      if record.quarantined[digest] != nil { return .barred }
      if let hold = record.hold, hold.digest == digest {
        switch hold.reason {
        case .aborted, .deadline, .quarantined: return .barred
        case .noEvidence where record.noEvidence > 3: return .barred
        case .noEvidence, .breaker, .ledgerLost, .conflict, .nameTaken, .removal, .splitUnknown,
          .irreversible, .group:
          break
        }
      }
    }
    let held = record.hold.flatMap { $0.reason == .group ? nil : $0.word }
    let obstacle = held ?? clash ?? objection(to: .new, digest: desiredDigest)
    return .awaited("has not begun" + (obstacle.map { ": \($0)" } ?? ""))
  }

  private func words(of reason: String) -> String { "\(id) of its group is taken back: \(reason)" }

  // MARK: - Together

  /// Nobody is promoted alone, unless a person says so.
  mutating func isReleased(_ rollout: RolloutMachine) -> Bool {
    guard releaseRollout != nil, record.group?.alone != rollout.candidate else { return true }
    hasFinished = true
    guard let party, party.fault == nil else { return false }
    guard let reason = waitForGroup else { return true }
    note("\(rollout.candidate) waits for its group: \(reason)")
    return false
  }

  /// Who is waited for; nil: nobody.
  var waitForGroup: String? {
    guard let party, let first = party.awaited.first else { return nil }
    let more = party.awaited.count > 1 ? ", and \(party.awaited.count - 1) more" : ""
    return "\(first.target) \(first.why)\(more)"
  }

  /// A person does not wait for the others; what it bakes itself is a wait of its own.
  mutating func leaveGroup(_ rollout: RolloutMachine, isFull: Bool) {
    guard releaseRollout != nil, rollout.isLastStep, let bake = rollout.bake else { return }
    let isApproved = rollout.step?.approvalWithin == nil || rollout.isApproved == true
    let isOver = bake.served >= bakeTime(of: rollout) && isApproved
    guard isFull || isOver || rollout.isAdvanced == true else { return }
    record.group?.alone = rollout.candidate
  }

  // MARK: - Taken back together

  /// A release that can not be completed ends for all: what is under way is taken back, what was not begun
  /// is held.
  mutating func shareFate() {
    guard let party, isKnown else { return }
    guard let fault = party.fault else { return goOn() }
    if let rollout = releaseRollout {
      guard record.group?.alone != rollout.candidate, rollout.failure == nil, rollout.stop == nil
      else { return }
      return fail(.init(.group, fault))
    }
    guard record.hold == nil, isPending, let digest = desiredDigest,
      record.quarantined[digest] == nil
    else { return }
    record.hold = Hold(reason: .group, message: fault, digest: digest)
    say(.decision, nil, "is held with its group: \(fault)")
  }

  /// What nothing leads back from was held for another member, which nothing is wrong with any more.
  private mutating func goOn() {
    guard let rollout = record.rollout, rollout.stop?.kind == .group else { return }
    resume()
    say(.decision, rollout.candidate, "\(rollout.candidate) goes on with its group")
  }

  /// Its own failure, from which the others are to be spared until something is done about it.
  mutating func rememberFault(
    _ rollout: RolloutMachine, _ failure: RolloutMachine.Failure, _ digest: Digest
  ) {
    guard record.group != nil, rollout.cause == .commit,
      record.group?.alone != rollout.candidate
    else { return }
    let hasCompanions = party?.companions.isEmpty == false
    switch failure.kind {
    case .superseded, .group: return
    case .stackFault, .aborted: break
    case .platformFault, .noEvidence:
      guard hasCompanions else { return }
      record.hold = Hold(
        reason: .group, message: "\(failure.reason); its group is not tried again until retry",
        digest: digest)
    }
    let fault = GroupFault(
      reason: words(of: failure.reason),
      declaredDigest: record.stacks[rollout.candidate]?.declaredDigest ?? digest,
      stackDigest: digest)
    record.group?.fault = fault
  }

  // MARK: - In order

  /// Its candidate still has what it was given.
  var hasTrafficToGiveBack: Bool {
    guard let rollout = releaseRollout, isKnown, rollout.stop == nil else { return false }
    let candidate = rollout.candidate
    return isWorker ? isComplete(candidate) && !isParked(candidate) : weight(candidate) > 0
  }

  /// What depends on it gives back its traffic first. What has failed itself waits for nobody, and nobody waits
  /// for longer than half the time in which stable has to take over.
  func yields(_ rollout: RolloutMachine) -> Bool {
    guard party?.isYielding == true else { return false }
    switch rollout.failure?.kind {
    case .group, .aborted: break
    case .stackFault, .platformFault, .noEvidence, .superseded, nil: return false
    }
    let gate = record.stable.flatMap { stacks[$0] }?.certificate.spec.health.deadline
    let bound = min(gate ?? facts.limits.phaseDeadline, facts.limits.phaseDeadline)
    return rollout.elapsed < bound / 2
  }

  // MARK: - Asked

  /// What a person asks for one member is meant for those that are held with it.
  mutating func follow(_ request: OperatorRequest) {
    switch request.verb {
    case .retry(let target) where party?.companions.contains(target) == true:
      guard isHeldWithGroup else { return }
      // Its own jobs are run again only where it is named.
      retry("\(request.by) tries \(id) again with \(target)", withJobs: false)
    case .release(let target, _) where party?.companions.contains(target) == true:
      record.group?.fault = nil
    case .retry, .release, .pause, .resume, .abort, .approve, .approveFreeze, .approveRemoval,
      .advance, .adopt:
      return
    }
  }

  private var isHeldWithGroup: Bool {
    if record.group?.fault != nil || record.rollout?.stop?.kind == .group { return true }
    if let kind = record.rollout?.failure?.kind, kind == .group || kind == .aborted { return true }
    switch record.hold?.reason {
    case .group, .aborted, .noEvidence, .deadline: return true
    case .breaker, .ledgerLost, .conflict, .nameTaken, .removal, .quarantined, .splitUnknown,
      .irreversible, nil:
      return desiredDigest.map { record.quarantined[$0] != nil } ?? false
    }
  }
}
