import Model
import Planning

extension PassInputs {
  /// The targets that are declared otherwise than before, where nothing else is new but a commit; nil:
  /// something that concerns all of them.
  func declarations(since old: PassInputs) -> Set<TargetID>? {
    guard sources.keys == old.sources.keys else { return nil }
    var changed: Set<TargetID> = []
    for (name, view) in sources {
      guard let before = old.sources[name], view.differs(from: before, in: &changed) else {
        return nil
      }
    }
    return changed
  }
}

extension SourceView {
  /// Adds the targets that are declared otherwise; false: more is new than what single targets are
  /// to be. Costs hardly anything while they are the same.
  fileprivate func differs(from old: SourceView, in changed: inout Set<TargetID>) -> Bool {
    var (state, before) = (state, old.state)
    guard state.commit != before.commit else { return state == before && desired == old.desired }
    (state.commit, before.commit) = (nil, nil)
    guard state == before, let new = desired, let old = old.desired,
      new.targets.count == old.targets.count, new.broken == old.broken,
      new.renames == old.renames
    else { return false }
    for (a, b) in zip(new.targets, old.targets) where a != b {
      guard a.id == b.id else { return false }
      changed.insert(a.id)
    }
    return true
  }
}

extension Claims {
  /// Declared targets with freeze windows, when these targets have changed since they were looked for.
  func freezable(after last: [DesiredTarget], changed: Set<TargetID>) -> [DesiredTarget] {
    guard !changed.isEmpty else { return last }
    let isNone = last.isEmpty && changed.allSatisfy { declared[$0]?.freeze.isEmpty != false }
    return isNone ? [] : declared.values.filter { !$0.freeze.isEmpty }
  }
}

extension DesiredTarget {
  /// It has an input of which only a look tells whether it is as it was: a secret, an address.
  var isReadForEachCommit: Bool {
    self.spec.inputs.contains { input in
      if case .present? = self.objects?[input.name] { false } else { true }
    }
  }
}

extension PlanningOutput {
  /// What a source declares still with its newest commit is shown with that, whichever commit said it
  /// first: else every commit would change every status.
  mutating func markNewest(of sources: [SourceName: SourceView]) {
    for index in plan.indices where plan[index].status.desiredCommit != nil {
      guard let source = plan[index].status.source,
        sources[source]?.desired?.target(plan[index].target) != nil
      else { continue }
      plan[index].status.followsSource = true
    }
  }
}
