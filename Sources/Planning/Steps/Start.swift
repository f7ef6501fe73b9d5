import LedgerKit
import Model

/// A rollout begins: a switch to a warm stack at once, a launch when it is its turn.
extension TargetPass {
  mutating func start() {
    guard record.rollout == nil, !isRemovalAllowed, !isForgotten, isKnown, spec != nil else {
      return
    }
    guard let cause = causeToStart() else {
      record.queue = nil
      return
    }
    if cause == .commit, record.queue != nil, startQueued() { return }
    if cause != .drift, cause != .repair || stableState != .serving, let warm = reusable() {
      return reuse(warm)
    }
    if cause == .commit, let serving = servingStill() { return resume(serving) }
    // What may not be launched must not keep stable from being repaired.
    if let obstacle = obstacle(to: cause) {
      note("\(declaredVersion) waits: \(obstacle)")
      // Stable's own order was resolved when it was launched.
      if let need = needOfRepair, cause != .repair || !isOwnOrderDeclared || desiredDigest == nil {
        return repair(because: need)
      }
      return
    }
    if hasTurn(for: cause) { launch(cause) }
  }

  /// S8: as many targets as may have a candidate at the same time.
  mutating func hasTurn(for cause: RolloutMachine.Cause) -> Bool {
    wish = LaunchWish(cause: cause)
    guard !mayLaunch else { return true }
    let full = fullWave ?? "\(facts.limits.concurrentRollouts) targets have a rollout"
    note("\(declaredVersion) waits for its turn: \(full)")
    return false
  }

  private var declaredVersion: String { spec?.version ?? "it" }

  private mutating func causeToStart() -> RolloutMachine.Cause? {
    guard let stable = record.stable else { return .commit }
    guard isAsDeclared(stable) else { return .commit }
    if let need = needOfRepair {
      note(need)
      return .repair
    }
    guard let drift = replaceableDrift else { return nil }
    note(drift)
    guard spec?.drift.action == .replace else {
      note("drift is only reported: drift.action is alert")
      return nil
    }
    return .drift
  }

  // MARK: - Obstacles

  /// Why nothing may be launched for this; nil when nothing but the turn is missing.
  mutating func obstacle(to cause: RolloutMachine.Cause) -> String? {
    if let clash { return clash }
    if spec?.traffic.mode == TrafficPolicy.Mode.none, servesStill {
      return "it takes traffic, and only its removal ends that: declare the worker by another name"
    }
    guard case .resolved(let digest, _) = input.whole.resolution else { return unresolved }
    if let quarantine = record.quarantined[digest] {
      return "its digest is quarantined since \(quarantine.generation): \(quarantine.reason)"
    }
    if let hold = record.hold, hold.reason != .removal, hold.reason != .breaker {
      return "\(hold.word): \(hold.message)"
    }
    if let objection = objection(to: wish(of: cause), digest: digest) { return objection }
    if cause == .drift || cause == .repair, isBreakerTripped(digest) {
      return "the breaker is open"
    }
    if cause == .commit, let dependency { return dependency }
    if cause == .commit, let obstacleOfJobs { return obstacleOfJobs }
    if cause == .commit || cause == .drift, let obstacleToRolling { return obstacleToRolling }
    return obstacleToAnyLaunch
  }

  var obstacleToAnyLaunch: String? {
    if let delay = delay(of: .launch) { return delay }
    if !isWorker, route == nil { return "its route has to be there first" }
    // S8: at most one superseded stack still runs.
    let leaving = record.stacks.filter { $0.value.role == .superseded && !isParked($0.key) }.keys
    if leaving.count > 1, let first = leaving.min() { return "\(first) has to be parked first" }
    // S8: what is on its way out has to go before more comes.
    let kept = record.stacks.count { generation, stack in
      !stack.hasDrifted && (stack.role != .retiring || isRetirementDue(generation))
    }
    if kept >= 6 + policy.retain.stacks { return "\(kept) stacks are there; some have to go" }
    return nil
  }

  /// Its retirement is decided and not begun: a launch that is asked for in each pass must not keep it so.
  private func isRetirementDue(_ generation: Generation) -> Bool {
    switch stacks[generation]?.phase {
    case nil, .retiring, .stuck: false
    case .launching, .complete, .failed: true
    }
  }

  private var unresolved: String {
    switch input.whole.resolution {
    case .resolved: ""
    case .waiting(let reason): "its inputs are not resolved: \(reason)"
    case .failed(.stack, let reason): "its inputs can not be resolved: \(reason)"
    case .failed(_, let reason): "its inputs are not resolved yet: \(reason)"
    }
  }

  /// S21: opens with the fourth replacement that would be made of one digest within the window.
  private mutating func isBreakerTripped(_ digest: Digest) -> Bool {
    guard record.breaker.digest == digest, record.breaker.replacements.count >= 3 else {
      return false
    }
    if !record.breaker.isOpen {
      let window = record.breaker.window
      record.breaker.isOpen = true
      record.breaker.quiet = .zero
      record.hold = Hold(
        reason: .breaker,
        message:
          "\(digest.short) was replaced three times within \(window.text); live is untouched",
        digest: digest)
      say(.decision, record.stable, "the breaker opens: three replacements of one digest")
      alert(
        .breakerOpen, .error, about: "\(digest.short)-\(record.stable?.description ?? "none")",
        "\(id) is not replaced again: three times within \(window.text); see drift, then release")
    }
    return true
  }

  // MARK: - Switch to a warm stack

  /// A former stable of exactly what is declared; a drifted one only when nothing serves.
  private mutating func reusable() -> Generation? {
    if let digest = desiredDigest, let hold = record.hold, hold.digest == digest {
      return nil
    }
    guard record.hold?.reason != .ledgerLost, clash == nil else { return nil }
    let all = record.stacks.keys.sorted(by: >).filter { generation in
      guard let stack = record.stacks[generation], isAsDeclared(generation) else { return false }
      guard stack.role == .warm || stack.role == .draining, isComplete(generation) else {
        return false
      }
      return record.quarantined[stack.stackDigest] == nil && !isKnownDead(generation)
        && !hasUnfinishedJobs(generation)
    }
    let clean = all.filter { record.stacks[$0]?.hasDrifted == false && record.drift[$0] == nil }
    if let best = clean.first(where: isProven) ?? clean.first { return best }
    return needOfRepair == nil ? nil : all.first
  }

  /// It runs, was probed all along, and does not answer.
  private func isKnownDead(_ generation: Generation) -> Bool {
    isMeantToRunFully(generation) && !isBooting(generation) && probe(generation) != nil
      && healthy(generation) == 0
  }

  private mutating func reuse(_ generation: Generation) {
    if let objection = objection(to: .rollback) {
      return note("does not switch to \(generation): \(objection)")
    }
    dropSuccessor(because: "\(generation) is what is declared, and is still there")
    record.stacks[generation]?.become(.candidate)
    record.rollout = RolloutMachine(
      candidate: generation, from: record.stable, cause: .rollback, strategy: strategy,
      isReuse: true, steps: [policy.wholeStep], isIrreversible: isIrreversible(generation))
    let version = record.stacks[generation]?.version ?? ""
    say(.decision, generation, "switches to \(generation) (\(version)), which is still there")
  }

  // MARK: - Wanted again

  /// What was taken back and went on serving, for nothing else could, is declared again (S7).
  private func servingStill() -> Generation? {
    guard strategy != .recreate, !isWorker, clash == nil, let digest = desiredDigest,
      record.hold.map({ $0.digest != digest && $0.reason != .ledgerLost }) ?? true,
      record.quarantined[digest] == nil
    else { return nil }
    return record.stacks.keys.first { generation in
      guard let stack = record.stacks[generation], stack.role == .superseded else { return false }
      return stack.gatePassed && isAsDeclared(generation) && isComplete(generation)
        && weight(generation) == 100
    }
  }

  /// Its rollout begins anew: it has not been trusted yet.
  private mutating func resume(_ generation: Generation) {
    if let objection = objection(to: .new, digest: desiredDigest) {
      return note("does not go on with \(generation): \(objection)")
    }
    guard let certificate = stacks[generation]?.certificate, hasTurn(for: .commit) else { return }
    dropSuccessor(because: "\(generation) is what is declared, and serves still")
    let order = order(repeating: certificate)
    record.stacks[generation]?.become(.candidate)
    record.stacks[generation]?.order = order
    record.rollout = RolloutMachine(
      candidate: generation, from: record.stable, cause: .commit, strategy: strategy,
      steps: [policy.wholeStep], isIrreversible: isIrreversible(generation))
    say(
      .decision, generation,
      "goes on with \(generation) (\(certificate.version)), which is declared again and serves")
  }

  // MARK: - Launch

  private mutating func launch(_ cause: RolloutMachine.Cause) {
    if let order = declaredOrder { begin(order, cause) }
  }

  /// The launch of what is declared; nil until its inputs are resolved.
  var declaredOrder: LaunchOrder? {
    guard let spec, case .resolved(let digest, let inputs) = input.whole.resolution else {
      return nil
    }
    return LaunchOrder(
      stack: StackID(id, record.nextGeneration), source: spec.source, commit: spec.commit,
      version: spec.version, platform: spec.platform, spec: spec.spec,
      declaredDigest: spec.declaredDigest, stackDigest: digest, resolved: inputs,
      traffic: spec.traffic)
  }

  private var isOwnOrderDeclared: Bool { record.stable.map(isAsDeclared) ?? false }

  /// Stable is launched again once nothing stands in its way but time.
  var isRepairable: Bool {
    guard let stable = record.stable, let digest = record.stacks[stable]?.order?.stackDigest else {
      return false
    }
    let isHeld = record.hold?.reason == .ledgerLost || record.hold?.digest == digest
    let isWornOut = record.breaker.digest == digest && record.breaker.replacements.count >= 3
    return !isHeld && !isWornOut && record.quarantined[digest] == nil
  }

  /// Stable is gone, and what is declared may not take its place: launch again what it was.
  private mutating func repair(because reason: String) {
    // What was adopted in this very pass is looked at once more first.
    guard let stable = record.stable, let order = record.stacks[stable]?.order,
      (record.stacks[stable]?.inRole ?? .zero) > .zero
    else { return }
    let digest = order.stackDigest
    let isHeld = record.hold?.reason == .ledgerLost || record.hold?.digest == digest
    if isHeld || record.quarantined[digest] != nil { return }
    if let objection = objection(to: .repair, digest: digest) {
      return note("\(stable) is not repaired: \(objection)")
    }
    if record.breaker.digest == digest, record.breaker.replacements.count >= 3 { return }
    if let obstacle = obstacleToAnyLaunch { return note("\(stable) is not repaired: \(obstacle)") }
    note(reason)
    wish = LaunchWish(cause: .repair)
    if mayLaunch { begin(order, .repair) }
  }

  /// S6, S15: the intent stands in the record that is written before the launch is asked for.
  mutating func intend(_ wanted: LaunchOrder) -> Generation? {
    guard let generation = freeGeneration(wanted.stackDigest) else { return nil }
    var order = wanted
    order.stack = StackID(id, generation)
    if beginsWithJobs(order) { order.instances = 0 }
    record.nextGeneration = generation.next
    record.stacks[generation] = StackRecord(
      role: .candidate, version: order.version, declaredDigest: order.declaredDigest,
      stackDigest: order.stackDigest, intended: order.spec.instances, order: order)
    return generation
  }

  mutating func begin(_ order: LaunchOrder, _ cause: RolloutMachine.Cause) {
    dropSuccessor(because: "another stack is needed first")
    var order = order
    let bounds = bounds(of: cause, instances: order.spec.instances)
    let steps = steps(of: cause, bounds)
    order.instances = steps.first?.instances
    guard let generation = intend(order) else { return }
    record.rollout = RolloutMachine(
      candidate: generation, from: record.stable, cause: cause, strategy: strategy, steps: steps,
      analysis: analysis(of: cause), bounds: bounds, picks: picks(for: steps),
      tests: tests(of: cause), isIrreversible: isIrreversible(generation))
    // What is missed while it rolls is not what was missed before.
    if bounds != nil, let stable = record.stable { record.stacks[stable]?.belowFloor = nil }
    if cause == .drift || cause == .repair { countReplacement(order.stackDigest) }
    let why =
      switch cause {
      case .commit: "\(order.commit.short) declares \(order.version)"
      case .drift: replaceableDrift ?? "drift"
      case .repair: needOfRepair ?? "stable is lost"
      case .rollback: "rollback"
      }
    say(.decision, generation, "launches \(generation) (\(order.version)): \(why)")
  }

  /// All at once where nothing serves that the candidate could be compared with, and for what was trusted
  /// already.
  func steps(of cause: RolloutMachine.Cause, _ bounds: RollingBounds? = nil) -> [RolloutStep] {
    if let bounds, let stable = record.stable {
      let old = stacks[stable]?.capacity.declared ?? 0
      return bounds.steps(from: old, bake: policy.bake)
    }
    return strategy == .canary && isShareable(for: cause) ? policy.canarySteps : [policy.wholeStep]
  }

  /// Stable serves, and may share its traffic with what is launched for this.
  func isShareable(for cause: RolloutMachine.Cause) -> Bool {
    guard cause == .commit || cause == .drift, !isWorker, let stable = record.stable,
      stableState == .serving
    else { return false }
    // A worker, or what is parked, has no endpoint to share traffic with.
    return isMeantToRunFully(stable) && stacks[stable]?.endpoints.isEmpty == false
  }

  /// Where nothing is compared, nothing is judged.
  func analysis(of cause: RolloutMachine.Cause) -> AnalysisDeclaration? {
    strategy == .canary && steps(of: cause).count > 1 ? policy.analysis : nil
  }

  private mutating func countReplacement(_ digest: Digest) {
    if record.breaker.digest != digest {
      record.breaker = Breaker(digest: digest, lastRollout: record.breaker.lastRollout)
    }
    record.breaker.replacements.append(.zero)
    rememberChanges()
    if let stable = record.stable { record.stacks[stable]?.hasDrifted = true }
  }

  /// S6: a name that a foreign object bears is left to it, at most three times.
  private mutating func freeGeneration(_ digest: Digest) -> Generation? {
    let foreign = Set(input.whole.foreign.map(\.name))
    var generation = record.nextGeneration
    var taken = record.namesTaken
    while foreign.contains(StackID(id, generation).name()) {
      taken += 1
      guard taken <= 3 else {
        let message = "foreign objects bear the names of the next stacks; remove them, then retry"
        record.hold = Hold(reason: .nameTaken, message: message, digest: digest)
        say(.decision, generation, "held: \(message)")
        alert(.held, .error, about: "nameTaken-\(generation)", "\(id): \(message)")
        return nil
      }
      generation = generation.next
    }
    return generation
  }
}
