import Model

/// A removal that is allowed: the route is closed, stacks drain, are kept for a while, and end.
extension TargetPass {
  mutating func remove() {
    guard isRemovalAllowed, isKnown else { return }
    if let objection = removalObjection { return note(objection) }
    if let rollout = record.rollout {
      record.stacks[rollout.candidate]?.become(.superseded)
      record.rollout = nil
    }
    dropSuccessor(because: "the target is being removed")
    if let stable = record.stable {
      record.stable = nil
      record.stacks[stable]?.become(.draining)
    }
    record.drift = [:]
    let left = record.stacks.sorted { $0.key < $1.key }.map { generation, stack in
      stack.role == .warm
        ? "\(generation) (warm, kept for \(policy.retain.warm.text))"
        : "\(generation) (\(stack.role.rawValue))"
    }
    note(
      "it is being removed" + (left.isEmpty ? "" : "; there still: \(left.joined(separator: ", "))")
    )
    isForgotten = record.stacks.isEmpty && unclaimedStacks.isEmpty && (isWorker || route == nil)
  }
}

extension TargetPass {
  /// A removal that was begun goes on only while its evidence is whole.
  var removalObjection: String? {
    guard case .removed(let source, _, _) = input.whole.desired else {
      return "no source says any more that it is removed"
    }
    guard let state = facts.sources[source], state.health == .current else {
      return "\(source) is not current: the removal waits"
    }
    return state.isComplete && state.targetCount > 0
      ? nil : "\(source) was not read whole, or declares nothing: the removal waits"
  }
}

extension StackRecord {
  /// A new role begins its time anew.
  mutating func become(_ role: StackRole) {
    self.role = role
    inRole = .zero
    belowFloor = nil
    if role != .candidate, role != .stable { order = nil }
  }
}
