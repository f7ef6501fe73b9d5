import LedgerKit
import Model

/// While a candidate bakes with all traffic, what a newer commit declares is launched beside it and
/// probed at 0 %. Its rollout begins with the verdict on the one that bakes: only its first shift
/// has waited.
extension TargetPass {
  mutating func succeed() {
    guard isKnown, record.hold?.reason != .ledgerLost else { return }
    if let successor = record.successor {
      if let reason = objection(toSuccessor: successor) {
        if isSuperseded(successor) { record.supersedes += 1 }
        if isNameTaken(of: successor) { record.namesTaken += 1 }
        return dropSuccessor(because: reason)
      }
      if let rollout = record.rollout {
        return note("\(successor) is launched beside \(rollout.candidate), at 0 %")
      }
      return beginRollout(of: successor)
    }
    // What a job changes may concern what still bakes.
    guard let spec, spec.spec.jobs == nil, isSuccessorWanted else { return }
    if let obstacle = obstacle(to: .commit) {
      return note("\(spec.version) is not launched yet: \(obstacle)")
    }
    launchSuccessor()
  }

  /// It is parked and retired, as any candidate that was superseded.
  mutating func dropSuccessor(because reason: String) {
    guard let successor = record.successor else { return }
    record.successor = nil
    record.stacks[successor]?.become(.superseded)
    say(.decision, successor, "\(successor) is not rolled out: \(reason)")
  }

  // MARK: - Whether

  /// A candidate has all traffic and bakes, and something else is declared that nothing runs yet.
  private var isSuccessorWanted: Bool {
    guard let rollout = record.rollout, rollout.phase == .baking, isOverlapAllowed,
      rollout.strategy != .recreate, rollout.strategy != .rolling,
      weight(rollout.candidate) == 100,
      policy.onNewCommit == .supersede, record.supersedes < 3,
      let digest = desiredDigest, record.hold?.digest != digest
    else { return false }
    return !record.stacks.contains { generation, stack in
      stack.role != .superseded && stack.role != .retiring && isAsDeclared(generation)
    }
  }

  /// Two whole stacks may run at the same time.
  private var isOverlapAllowed: Bool {
    !isWorker && strategy != .recreate && strategy != .rolling && !isRemovalAllowed
  }

  /// Why it is not rolled out; nil while it is what is declared.
  private func objection(toSuccessor successor: Generation) -> String? {
    guard let stack = record.stacks[successor], let spec else { return "nothing is declared" }
    guard isOverlapAllowed else { return "two whole stacks may not run at the same time any more" }
    guard isAsDeclared(successor) else { return "\(spec.commit.short) declares \(spec.version)" }
    if stack.firstSeen != nil, stacks[successor] == nil { return "it was removed by hand" }
    if isNameTaken(of: successor) { return "a foreign object bears its name" }
    if let quarantine = record.quarantined[stack.stackDigest] { return quarantine.reason }
    if let hold = record.hold, hold.digest == stack.stackDigest { return hold.message }
    return nil
  }

  private func isSuperseded(_ successor: Generation) -> Bool {
    spec != nil && !isAsDeclared(successor)
  }

  // MARK: - What

  private mutating func launchSuccessor() {
    guard let order = declaredOrder, let successor = intend(order) else { return }
    record.successor = successor
    let candidate = record.rollout?.candidate.description ?? ""
    say(
      .decision, successor,
      "launches \(successor) (\(order.version)) beside \(candidate), which still bakes:"
        + " \(order.commit.short) declares it")
  }

  private mutating func beginRollout(of successor: Generation) {
    let digest = record.stacks[successor]?.stackDigest
    if let obstacle = objection(to: .new, digest: digest) ?? clash ?? dependency {
      return note("\(successor) waits: \(obstacle)")
    }
    record.successor = nil
    let steps = steps(of: .commit)
    record.rollout = RolloutMachine(
      candidate: successor, from: record.stable, cause: .commit, strategy: strategy, steps: steps,
      analysis: analysis(of: .commit), picks: picks(for: steps),
      tests: tests(of: .commit), isIrreversible: isIrreversible(successor))
    let version = record.stacks[successor]?.version ?? ""
    say(.decision, successor, "begins the rollout of \(successor) (\(version)), launched before")
  }
}
