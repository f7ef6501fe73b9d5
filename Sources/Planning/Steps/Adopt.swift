import LedgerKit
import Model

/// Brings the record and the complete listing together: what is gone, what is new, what nobody
/// knows (S9, S24).
extension TargetPass {
  mutating func adopt() {
    guard isKnown else { return }
    judgeLostLedger()
    forgetGone()
    for generation in stacks.keys where record.stacks[generation]?.firstSeen == nil {
      record.stacks[generation]?.firstSeen = facts.now.wall
    }
    // Its launch has ended, well or not: should it be needed again, that is another one.
    for generation in stacks.keys
    where record.stacks[generation]?.sinceLaunchTaken != nil && !isLaunching(generation) {
      record.stacks[generation]?.sinceLaunchTaken = nil
    }
    if let highest = usedGenerations.max(), highest >= record.nextGeneration {
      record.nextGeneration = highest.next
    }
    // What was adopted passes its gate once it is seen to answer.
    if let stable = record.stable, record.stacks[stable]?.gatePassed == false,
      isWhollyProven(stable)
    {
      record.stacks[stable]?.gatePassed = true
    }
    guard record.hold?.reason != .ledgerLost else { return }
    let unclaimed = unclaimedStacks
    for generation in unclaimed {
      note("\(generation) is ours and in no record: kept until a person says more")
      alertOnce(
        .unclaimed, .warning, about: generation.description,
        "\(StackID(id, generation)) bears our certificate but is in no record; it is kept")
    }
    forgetAlerts(.unclaimed, except: unclaimed.map(\.description))
  }

  /// As far as the world knows: a route may still name a stack that is gone.
  private var usedGenerations: [Generation] {
    stacks.keys + (route?.route.backends.map(\.generation) ?? [])
  }

  var unclaimedStacks: [Generation] {
    stacks.keys.filter { record.stacks[$0] == nil }.sorted()
  }

  /// Stacks of the record that a complete listing does not show.
  private mutating func forgetGone() {
    for (generation, stack) in record.stacks.sorted(by: { $0.key < $1.key })
    where stacks[generation] == nil && !mayBeThere(generation) {
      // A late answer may still create it: it stays ours until none can come any more.
      let mayAppear = stack.firstSeen == nil && stack.inRole <= facts.limits.freshness * 2
      switch stack.role {
      // Repair answers a lost stable; a candidate may not have been created yet.
      case .stable, .candidate: continue
      case .retiring, .superseded:
        guard !mayAppear, input.whole.inFlight.isEmpty else { continue }
        if stack.firstSeen != nil { say(.decision, generation, "\(generation) is retired") }
      case .draining, .warm, .quarantined:
        say(.finding, generation, "\(generation) (\(stack.role.rawValue)) was removed by hand")
      }
      record.stacks[generation] = nil
      record.drift[generation] = nil
      fingerprints[generation] = .some(nil)
    }
  }

  // MARK: - S24

  mutating func noteLostLedger() {
    guard facts.conditions.isLedgerLost, !record.isLossJudged, record.isLossDue != true else {
      return
    }
    record.isLossDue = true
    // What was in force when an old ledger was written may not be what is declared.
    if case .undeclared = input.whole.desired { record.lastGood = nil }
    // It is asked once more whether that may be: the caps and a person's word are of then, too.
    record.removal?.isAllowed = false
  }

  /// There is a loss to judge, and readings need not show all that is there yet.
  var isLossUnseen: Bool { record.isLossDue == true && !(isListingSettled && isRouteSettled) }

  /// Nothing is known of live stacks, or one is newer than everything that is known.
  private mutating func judgeLostLedger() {
    if !facts.conditions.isLedgerLost { record.isLossJudged = false }
    let isUnknown = !stacks.isEmpty && record.stacks.isEmpty && record.hold == nil
    let isLost = record.isLossDue == true
    let isLive = !stacks.isEmpty || route?.route.backends.isEmpty == false
    // Nothing can be judged before a source, or a person, says what is to be.
    guard isUnknown || isLost, !isLive || spec != nil || isAdoptionAsked else { return }
    // What the process before asked for last is judged with the rest.
    record.isLossDue = true
    if isLossUnseen {
      return note("some of what is there is not known: waits until all of it must be shown")
    }
    if facts.conditions.isLedgerLost { record.isLossJudged = true }
    record.isLossDue = nil
    // Numbers below may have been used by stacks that are gone.
    let highest = max(usedGenerations.max() ?? 0, record.nextGeneration)
    record.nextGeneration = Generation(highest.number + 100)
    forgetWorld()
    guard isLive else { return }
    judge(serving: servingAlone)
  }

  /// Of an old ledger only that is kept which the world cannot have made untrue since.
  private mutating func forgetWorld() {
    let old = record
    record = TargetRecord(
      nextGeneration: old.nextGeneration, quarantined: old.quarantined, hold: old.hold,
      isPaused: old.isPaused, lastGood: old.lastGood, clock: old.clock)
    record.spent = old.spent
    record.sinceStackAction = old.sinceStackAction
    record.route.sinceWrite = old.route.sinceWrite
    record.removal = old.removal
    record.isLossJudged = old.isLossJudged
    record.alerted = old.alerted
    record.jobs = old.jobs
  }

  private mutating func judge(serving: Generation?) {
    if let serving { claim(serving, as: .stable) }
    if let serving, isDeclared(serving) {
      record.hold = nil
      say(.decision, serving, "the ledger was lost; \(serving) serves what is declared: adopted")
      // A person who has asked for it in this very pass means all that is there.
      if isAdoptionAsked { adoptWorld() }
      return
    }
    if isAdoptionAsked { return adoptWorld() }
    let message =
      serving.map { "\($0) serves, which is not what is declared" }
      ?? "no single stack has all traffic"
    record.hold = Hold(
      reason: .ledgerLost,
      message: "the ledger was lost and \(message); commit another version, or adopt",
      digest: spec?.declaredDigest)
    say(.decision, serving, "held, because the ledger was lost: \(message)")
    alert(
      .held, .error, about: "ledgerLost", "\(id) is held: the ledger was lost and \(message)")
  }

  private func isDeclared(_ generation: Generation) -> Bool {
    guard let spec, let certificate = stacks[generation]?.certificate else { return false }
    return certificate.declaredDigest == spec.declaredDigest
      && (desiredDigest.map { $0 == certificate.stackDigest } ?? true)
  }

  /// The stack that has all traffic as read back; of a worker, the only one that runs.
  private var servingAlone: Generation? {
    if isWorker {
      let running = stacks.values.filter { $0.capacity.running > 0 || $0.capacity.intended > 0 }
      return running.count == 1 ? running.first?.id.generation : nil
    }
    return stacks.keys.first { weight($0) == 100 }
  }

  /// A person accepts the world: what has most of the traffic is stable, the rest is warm.
  mutating func adoptWorld() {
    let best =
      record.stable ?? servingAlone
      ?? stacks.keys.filter { !waitsForJobs($0) }
      .max { (weight($0), healthy($0), $0) < (weight($1), healthy($1), $1) }
    if record.hold?.reason == .ledgerLost { record.hold = nil }
    if let best, record.stable == nil, record.rollout == nil, record.stacks[best] == nil {
      claim(best, as: .stable)
    }
    for generation in unclaimedStacks {
      // What was on its way has no rollout any more that would have its jobs run.
      claim(generation, as: waitsForJobs(generation) ? .superseded : .warm)
    }
    let stable = record.stable.map { "\($0) is stable" } ?? "nothing is stable"
    say(.decision, record.stable, "adopts what is there: \(stable)")
  }

  private mutating func claim(_ generation: Generation, as role: StackRole) {
    guard let stack = stacks[generation] else { return }
    let certificate = stack.certificate
    let isServing = role == .stable
    record.stacks[generation] = StackRecord(
      role: role, version: certificate.version, declaredDigest: certificate.declaredDigest,
      stackDigest: certificate.stackDigest, gatePassed: false,
      intended: stack.capacity.intended, wasStable: isServing,
      order: isServing ? order(repeating: certificate) : nil)
    if weight(generation) > 0 { record.stacks[generation]?.sinceTraffic = .zero }
    adoptJobs(of: stack)
    if isServing { record.stable = generation }
  }

  func order(repeating certificate: BirthCertificate) -> LaunchOrder {
    var traffic = spec?.traffic ?? TrafficPolicy()
    traffic.mode = certificate.traffic
    return LaunchOrder(
      stack: certificate.stack, source: certificate.source, commit: certificate.commit,
      version: certificate.version, platform: certificate.platform, spec: certificate.spec,
      declaredDigest: certificate.declaredDigest, stackDigest: certificate.stackDigest,
      resolved: certificate.resolved, traffic: traffic)
  }
}
