import Model
import Planning
import PlatformKit

/// What a pass has read, kept to see what the next one reads otherwise.
struct Reading: Sendable {
  /// Without what a pass may change itself, and without what is read of single targets.
  var inputs: PassInputs
  /// Declared targets with freeze windows: the time of day alone may change what holds for them.
  var freezable: [DesiredTarget]
  /// As of which revision the resolver, the prober and the inspector were asked.
  var resolver: Int?
  var prober: Int
  var inspector: Int
}

extension PassInputs {
  /// The targets of which something was read otherwise than before, by the names in certificates
  /// and routes; nil: something that concerns all of them.
  func changes(since old: PassInputs) -> Set<TargetID>? {
    guard now.bootID == old.now.bootID, now.sinceBoot >= old.now.sinceBoot,
      interval == old.interval, agent == old.agent, limits == old.limits, requests.isEmpty,
      sources.keys == old.sources.keys, platforms.keys == old.platforms.keys,
      routes.keys == old.routes.keys
    else { return nil }
    var changed = Set(inFlight.keys).union(outcomes.keys)
    for (name, live) in platforms {
      guard let before = old.platforms[name], live.differs(from: before, in: &changed) else {
        return nil
      }
    }
    for (name, read) in routes {
      guard let before = old.routes[name], read.differs(from: before, in: &changed) else {
        return nil
      }
    }
    if freezes != old.freezes {
      let frozen = Set(freezes.keys).union(old.freezes.keys)
      changed.formUnion(frozen.filter { freezes[$0] != old.freezes[$0] })
    }
    return changed
  }

  /// Puts the stacks of these targets, as the platforms show them now, in the place of the old ones.
  mutating func regroup(_ targets: Set<TargetID>) {
    guard !targets.isEmpty else { return }
    for target in targets { stacks[target] = nil }
    for live in platforms.values {
      live.value?.stacks.withUnsafeBufferPointer { all in
        for place in all.indices where targets.contains(all[place].certificate.stack.target) {
          stacks[all[place].id.target, default: []].append(all[place])
        }
      }
    }
    for target in targets { stacks[target]?.sort { $0.id.generation < $1.id.generation } }
  }
}

extension Observed<LiveState> {
  /// Adds the targets whose stacks differ; false: more than single stacks differ.
  fileprivate func differs(from old: Self, in changed: inout Set<TargetID>) -> Bool {
    guard let (new, old) = both(self, old), new.foreign == old.foreign else { return self == old }
    if !new.stacks.differ(from: old.stacks, in: &changed) {
      let (now, then) = (
        Dictionary(grouping: new.stacks, by: \.id.target),
        Dictionary(grouping: old.stacks, by: \.id.target)
      )
      changed.formUnion(now.filter { $0.value != then[$0.key] }.keys)
      changed.formUnion(then.keys.filter { now[$0] == nil })
    }
    return true
  }
}

extension [StackObservation] {
  /// Adds the targets of those that differ; false: they are not the same stacks in the same order. In
  /// place: an iterator would copy each of what may be ten thousand.
  fileprivate func differ(from old: Self, in changed: inout Set<TargetID>) -> Bool {
    guard count == old.count else { return false }
    return withUnsafeBufferPointer { new in
      old.withUnsafeBufferPointer { old in
        for place in new.indices where new[place].certificate.stack != old[place].certificate.stack
        {
          return false
        }
        for place in new.indices where new[place] != old[place] {
          changed.insert(new[place].certificate.stack.target)
        }
        return true
      }
    }
  }
}

extension Observed<[TargetID: Observed<RouteObservation>]> {
  /// Adds the targets whose routes differ; false: more than single routes differ.
  fileprivate func differs(from old: Self, in changed: inout Set<TargetID>) -> Bool {
    guard let (new, old) = both(self, old) else { return self == old }
    for (target, route) in new where !route.isAsQuiet(as: old[target]) { changed.insert(target) }
    if new.count != old.count || !changed.isEmpty {
      changed.formUnion(old.keys.filter { new[$0] == nil })
    }
    return true
  }
}

extension Observed<RouteObservation> {
  fileprivate func isAsQuiet(as old: Self?) -> Bool {
    guard case .known(let new) = self, case .known(let old)? = old else { return self == old }
    return new.isAsQuiet(as: old)
  }
}

/// Both values, when both were read.
private func both<Value>(_ a: Observed<Value>, _ b: Observed<Value>) -> (Value, Value)? {
  guard case .known(let new) = a, case .known(let old) = b else { return nil }
  return (new, old)
}
