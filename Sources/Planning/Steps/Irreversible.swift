import LedgerKit
import Model

/// `irreversible: true`: what has had traffic gives it back by a person's word alone, for its failure says
/// nothing of whether the old stack could still serve.
extension TargetPass {
  /// The rollout of this stack begins without a way back. Where the old one is the same, nothing was changed
  /// that it could not live with.
  func isIrreversible(_ candidate: Generation) -> Bool? {
    guard policy.isIrreversible == true || isFencedByJobs(candidate),
      let stable = record.stable,
      record.stacks[stable]?.stackDigest != record.stacks[candidate]?.stackDigest
    else { return nil }
    return true
  }

  /// It has served, or may have: no failure leads back.
  func isPastReturn(_ rollout: RolloutMachine) -> Bool {
    guard rollout.isIrreversible == true, rollout.phase != .rollingBack else { return false }
    if rollout.hasServed == true { return true }
    guard !isWorker else {
      return rollout.phase == .shifting && record.stable.map(isMeantToRunFully) == false
    }
    // A write that no reading shows yet may have been done.
    let given = record.route.wanted?.weightPercent(of: rollout.candidate) ?? 0
    let isRead = isRouteSettled && input.whole.inFlight.isEmpty
    return weight(rollout.candidate) > 0 || (given > 0 && !isRead)
  }

  /// With this split it will have served: the router itself must not lead back either.
  func isReturnOver(_ rollout: RolloutMachine, by split: [Generation: Int]) -> Bool {
    guard rollout.isIrreversible == true, rollout.phase != .rollingBack else { return false }
    return isPastReturn(rollout) || split[rollout.candidate] ?? 0 > 0
  }

  /// What it keeps in percent, whatever the route shows; 0 where there is a way back.
  func shareWithoutReturn(_ rollout: RolloutMachine) -> Int {
    guard isPastReturn(rollout), rollout.hasServed == true else { return 0 }
    return rollout.phase == .baking ? rollout.weightPercent : rollout.formerWeightPercent
  }

  /// Nothing else serves, so that it is what the next version comes after. A worker stays one, whatever is
  /// declared now.
  private func servesAlone(_ rollout: RolloutMachine) -> Bool {
    guard rollout.hasServed == true else { return false }
    return isWorker || !isFit(rollout.candidate) || weight(rollout.candidate) == 100
  }

  // MARK: - Held

  /// In place of the way back: everything stays as it is. What is gone with all traffic is launched again.
  mutating func stop(_ failure: RolloutMachine.Failure) {
    guard let rollout = record.rollout, rollout.stop == nil else { return }
    let candidate = rollout.candidate
    if stacks[candidate] == nil, servesAlone(rollout) {
      makeStable(candidate)
      return say(
        .decision, candidate,
        "\(candidate) is irreversible, and what repairs it is the same version: \(failure.reason)")
    }
    _ = record.rollout?.handle(.stopped(failure))
    guard record.rollout?.stop != nil else { return }
    say(
      .decision, candidate,
      "holds \(candidate)\(rollout.stepWords) (\(failure.kind.rawValue)): \(failure.reason); it is"
        + " irreversible, and not taken back")
    let digest = record.stacks[candidate]?.stackDigest.short ?? ""
    alert(
      .held, .error, about: "irreversible-\(candidate)-\(digest)",
      "\(id) is held: \(candidate) failed (\(failure.kind.rawValue)): \(failure.reason); it is"
        + " irreversible, and not taken back")
  }

  var holdOfStop: Hold? {
    guard let rollout = record.rollout, let stop = rollout.stop else { return nil }
    return Hold(
      reason: .irreversible,
      message: "\(stop.reason); \(rollout.candidate) is not taken back: retry, advance or abort it,"
        + " or commit another version",
      digest: record.stacks[rollout.candidate]?.stackDigest)
  }

  /// A person lets it go on; nothing where it is not held.
  mutating func resume() {
    guard let candidate = record.rollout?.candidate else { return }
    _ = record.rollout?.handle(.resumed(restarts: stacks[candidate]?.restarts ?? 0))
  }

  // MARK: - Forward

  /// Another version is declared. It follows what is held, and never leads back to the old stack.
  mutating func goForward(from rollout: RolloutMachine) {
    guard let spec else { return }
    let candidate = rollout.candidate
    guard rollout.stop != nil || !isFit(candidate) else {
      return note("\(spec.version) waits for \(candidate), which is irreversible and has served")
    }
    // That it is held is on record before anything follows it.
    if rollout.stop != nil, input.whole.record?.rollout?.stop == nil {
      return note("\(spec.version) does not follow \(candidate) yet: it was held just now")
    }
    if let obstacle = obstacle(to: .commit) {
      return note("\(spec.version) does not follow \(candidate) yet: \(obstacle)")
    }
    let why = "\(spec.commit.short) declares \(spec.version)"
    if servesAlone(rollout) {
      makeStable(candidate)
      say(
        .decision, candidate,
        "\(candidate) is stable as it is, for it is irreversible and serves alone: \(why)")
    } else if hasTurn(for: .commit) {
      follow(rollout, why)
    }
  }

  /// The shares stay until the next one has passed its gate; then it takes them all.
  mutating func follow(_ rollout: RolloutMachine, _ why: String) {
    guard let order = declaredOrder, let next = intend(order) else { return }
    record.queue = nil
    record.stacks[rollout.candidate]?.become(.superseded)
    record.rollout = RolloutMachine(
      candidate: next, from: record.stable, cause: .commit, strategy: strategy,
      steps: [policy.wholeStep], tests: tests(of: .commit), isIrreversible: true, hasServed: true)
    say(
      .decision, next,
      "launches \(next) (\(order.version)), which takes all traffic once its gate has passed; until"
        + " then the shares stay, for \(rollout.candidate) is irreversible: \(why)")
  }
}
