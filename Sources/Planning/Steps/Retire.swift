import LedgerKit
import Model

/// `serving → drained → warm → retired`, each step with its evidence; nothing is deleted before.
extension TargetPass {
  mutating func retire() {
    guard isKnown, record.hold?.reason != .ledgerLost else { return }
    for generation in record.stacks.keys.sorted() { settleDrained(generation) }
    tellStuck()
    reprieve()
    for (generation, why) in expired {
      guard let stack = record.stacks[generation], stack.role != .retiring else { continue }
      guard mayRetire(generation) else { continue }
      if let objection = objection(to: .retire) {
        note("\(generation) is not retired: \(objection)")
        continue
      }
      say(.decision, generation, "retires \(generation) (\(stack.role.rawValue)): \(why)")
      record.stacks[generation]?.become(.retiring)
    }
  }

  /// The time of a drained stack as a warm one begins.
  private mutating func settleDrained(_ generation: Generation) {
    guard let stack = record.stacks[generation], stack.role == .draining else { return }
    guard isDrained(generation) else {
      return note(
        "\(generation) drains: \(sessions(generation)) sessions, \(stack.inRole.rounded.text) of"
          + " \(traffic.drainDeadline.text)")
    }
    let isBad = record.quarantined[stack.stackDigest] != nil && !stack.wasStable
    record.stacks[generation]?.become(isBad ? .quarantined : .warm)
  }

  /// Declared again before it was gone: the last trusted stack stays.
  private mutating func reprieve() {
    guard !isRemovalAllowed else { return }
    for (generation, stack) in record.stacks.sorted(by: { $0.key < $1.key })
    where stack.role == .retiring && isComplete(generation) && !mayRetire(generation) {
      record.stacks[generation]?.become(.warm)
    }
  }

  /// L6: one object that cannot go is told, and everything else goes on.
  private mutating func tellStuck() {
    for (generation, stack) in record.stacks.sorted(by: { $0.key < $1.key })
    where stack.role == .retiring {
      guard case .stuck(let reason) = stacks[generation]?.phase else { continue }
      alertOnce(
        .stuck, .error, about: generation.description,
        "\(id): \(generation) cannot be retired: \(reason)")
    }
  }

  /// S4: what was stable goes only while another trusted stack is there.
  func mayRetire(_ generation: Generation) -> Bool {
    if isRemovalAllowed { return removalObjection == nil }
    guard record.stacks[generation]?.wasStable == true else { return true }
    if let stable = record.stable, stableState != .serving || !isComplete(stable) { return false }
    return record.stacks.contains {
      $0.key != generation && $0.value.wasStable && isComplete($0.key)
    }
  }

  private var expired: [(Generation, String)] {
    var all: [(Generation, String)] = []
    let newestFirst = record.stacks.map { (inRole: $0.value.inRole, generation: $0.key) }
      .sorted { ($0.inRole, $1.generation) < ($1.inRole, $0.generation) }.map(\.generation)
    var (warm, quarantined) = (0, 0)
    for generation in newestFirst {
      guard let stack = record.stacks[generation] else { continue }
      switch stack.role {
      case .warm where record.rollout == nil:
        if !stack.hasDrifted { warm += 1 }
        if let why = expiry(of: stack, warm: warm) {
          all.append((generation, why))
        }
      case .quarantined:
        quarantined += 1
        if isDrained(generation), quarantined > 1 {
          all.append((generation, "a newer one is quarantined"))
        } else if isDrained(generation), stack.inRole >= policy.retain.quarantined {
          all.append((generation, "kept for \(policy.retain.quarantined.text)"))
        }
      case .superseded:
        if isDrained(generation), isParked(generation) || !isComplete(generation) {
          all.append((generation, "superseded and drained"))
        }
      case .warm, .candidate, .stable, .draining, .retiring: continue
      }
    }
    return all.sorted { $0.0 < $1.0 }
  }

  private func expiry(of stack: StackRecord, warm: Int) -> String? {
    if stack.inRole >= policy.retain.warm { return "kept for \(policy.retain.warm.text)" }
    if isRemovalAllowed { return nil }
    // No rollout is under way, so its successor has proven itself: the last resort is over.
    if stack.hasDrifted { return "it drifted, and its successor is stable" }
    let bound = policy.retain.stacks
    guard warm > bound else { return nil }
    return bound == 1 ? "one warm stack is kept" : "\(bound) warm stacks are kept"
  }
}
