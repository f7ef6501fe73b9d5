import Model
import Planning

/// A target that is not planned for now, on the clock of watched time of its `PassState`.
struct Resting: Sendable {
  /// Its record is as of then.
  var since: Duration
  /// When one of its clocks lets something begin.
  var due: Duration?
  /// When its clocks are written next; nil: nothing waits for them, so nothing is lost with them.
  var writeDue: Duration?

  /// What is lost at a crash keeps a stack longer, by at most a sixty-fourth of what it still had.
  init(_ rest: Rest, at watched: Duration) {
    since = watched
    due = rest.due.map { watched + $0 }
    writeDue = rest.due.map { watched + max(PassState.clockInterval, $0 / 64) }
  }

  var next: Duration? { [due, writeDue].compactMap { $0 }.min() }
}

extension PassState {
  /// Brings the clock of watched time up to this pass: by what any target that it plans may count.
  mutating func watch(until now: Now, interval: Duration) {
    watched = watched(until: now, interval: interval)
    lastPass = now
  }

  func watched(until now: Now, interval: Duration) -> Duration {
    watched + (lastPass.map { now.elapsed(since: $0, limit: interval * 2) } ?? .zero)
  }

  /// The records of these targets, as if the passes until now had planned them; all without `targets`.
  mutating func wake(_ targets: Set<TargetID>? = nil) {
    for target in targets ?? Set(resting.keys) {
      guard let since = resting[target]?.since, since < watched else { continue }
      records[target] = records[target].map {
        Shared($0.value.rested(for: watched - since, until: lastPass))
      }
      resting[target]?.since = watched
    }
  }

  /// The records of targets that are not at rest: of those that something is under way of.
  var awakeRecords: [TargetID: TargetRecord] {
    let pairs = restless.compactMap { target in records[target].map { (target, $0.value) } }
    return Dictionary(pairs) { first, _ in first }
  }

  /// Targets that have to be planned in the pass at `now`, though nothing about them has changed.
  func due(at now: Now, interval: Duration) -> Set<TargetID> {
    let then = watched(until: now, interval: interval)
    guard let nextRest, nextRest <= then else { return restless }
    return restless.union(
      resting.lazy.filter { $0.value.due.map { $0 <= then } == true }.map(\.key))
  }

  /// Takes down which of the planned targets are at rest now.
  mutating func settle(_ output: PlanningOutput) {
    if isWhole {
      let planned = Set(output.plan.map(\.target))
      restless = []
      resting = resting.filter { planned.contains($0.key) }
    }
    for plan in output.plan {
      guard let rest = plan.rest else {
        resting[plan.target] = nil
        restless.insert(plan.target)
        continue
      }
      var new = Resting(rest, at: watched)
      if let old = resting[plan.target], rest.due != nil { new.writeDue = old.writeDue }
      resting[plan.target] = new
      restless.remove(plan.target)
      if let next = new.next { nextRest = min(next, nextRest ?? next) }
    }
  }

  /// The records at rest whose clocks have to be written, and when that is so again.
  mutating func writeClocks(_ planned: [TargetID: TargetRecord], at now: Now) -> [TargetID:
    TargetRecord]
  {
    guard let due = nextRest, due <= watched else { return [:] }
    var records: [TargetID: TargetRecord] = [:]
    for (target, rest) in resting where rest.writeDue.map({ $0 <= watched }) == true {
      let record =
        planned[target] ?? self.records[target]?.value.rested(for: watched - rest.since, until: now)
      records[target] = record
      let left = rest.due.map { max(.zero, $0 - watched) } ?? .zero
      resting[target]?.writeDue = watched + max(Self.clockInterval, left / 64)
    }
    nextRest = resting.values.lazy.compactMap(\.next).min()
    return records
  }
}
