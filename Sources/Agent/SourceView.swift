package import Model
package import Planning

/// What the agent holds of one source: the state the planner is told, and the last good spec.
package struct SourceView: Sendable {
  package var state: SourceState
  /// What the last accepted commit declares; nil until one was ever accepted.
  package var desired: DesiredState?
  package init(state: SourceState, desired: DesiredState? = nil) {
    self.state = state
    self.desired = desired
  }
}

extension SourceView {
  /// What this source says of `target`, given what the ledger remembers of it.
  func says(of target: TargetID, declared: DesiredTarget?, lastGood: DesiredTarget?)
    -> DesiredInput?
  {
    guard let desired else { return nil }
    if let declared {
      switch state.health {
      case .current: return .desired(declared)
      case .unreachable: return .desired(declared)
      case .held(let reason): return .held(lastGood: declared, reason: reason)
      }
    }
    if desired.broken.contains(target), let lastGood {
      return .held(lastGood: lastGood, reason: "a document that declares it is wrong")
    }
    guard let lastGood, lastGood.source == desired.source else { return nil }
    guard state.health == .current, desired.isComplete else {
      return .held(lastGood: lastGood, reason: "its source cannot prove a removal now")
    }
    return .removed(source: desired.source, commit: desired.commit, lastGood: lastGood)
  }
}
