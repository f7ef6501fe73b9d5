package import Model

/// A target at rest: nothing is under way, and another pass over the same readings would change
/// nothing of it but two clocks. Until something about it changes or `due` comes it need not be
/// planned; the time of the passes in between is added later, as if each had planned it (S16).
///
/// It has no rollout, is ready and wants nothing, so that what holds over all targets, such as turns
/// and dependencies, is the same with it and without it.
package struct Rest: Hashable, Codable, Sendable {
  /// Watched time from this pass on, after which a clock lets something begin; nil: none does.
  package var due: Duration?
  package init(due: Duration? = nil) { self.due = due }
}

extension TargetRecord {
  /// The record after so much watched time in which nothing else happened.
  package func rested(for time: Duration, until now: Now?) -> TargetRecord {
    var record = self
    record.rest(for: time)
    record.clock = now
    return record
  }

  /// The clocks that run at rest as well.
  mutating func rest(for time: Duration) {
    for generation in stacks.keys { stacks[generation]?.inRole += time }
    spent = max(.zero, spent - time)
  }
}

extension TargetPass {
  /// Whether this pass leaves the target at rest; every other clock must stand, and nothing that
  /// is read from the boot clock itself may change any more.
  var rest: Rest? {
    guard let before = input.whole.record, !facts.isObserving, !facts.conditions.isLedgerLost,
      // Time has passed, or it would not show which clocks run.
      elapsed > .zero, before.rested(for: elapsed, until: facts.now) == record,
      actions.isEmpty, entries.isEmpty, alerts.isEmpty, fingerprints.isEmpty, !isForgotten,
      input.whole.inFlight.isEmpty, input.whole.outcomes.isEmpty, isKnown, isReady, wish == nil,
      record.successor == nil, record.removal == nil, record.drift.isEmpty,
      record.isLossDue != true, record.stacks.keys.allSatisfy(isResting)
    else { return nil }
    let waits = record.stacks.values.compactMap { stack -> Duration? in
      switch stack.role {
      case .warm: policy.retain.warm - stack.inRole
      case .quarantined: policy.retain.quarantined - stack.inRole
      case .stable, .candidate, .draining, .superseded, .retiring: nil
      }
    }
    // What is overdue is kept for another reason, and waits for that.
    return Rest(due: waits.filter { $0 > .zero }.min())
  }

  /// It is there, has its role for long, and carries what it should.
  private func isResting(_ generation: Generation) -> Bool {
    guard stacks[generation] != nil, !isBooting(generation) else { return false }
    switch record.stacks[generation]?.role {
    case .stable: return true
    case .warm, .quarantined: return sessions(generation) == 0
    case .candidate, .draining, .superseded, .retiring, nil: return false
    }
  }

  /// It serves what is declared, and nothing is under way.
  var isReady: Bool {
    guard record.rollout == nil, let stable = record.stable else { return false }
    return isAsDeclared(stable) && stableState == .serving
  }
}

// MARK: - What lets it sleep on

extension TargetInput {
  /// Nothing that could wake a target at rest differs: not the record, which time alone changes,
  /// and not the age of a reading that is as fresh as it was.
  package func isAsQuiet(as earlier: TargetInput) -> Bool {
    id == earlier.id && formerly == earlier.formerly && desired == earlier.desired
      && contest == earlier.contest && resolution == earlier.resolution
      && freeze == earlier.freeze && stacks == earlier.stacks && stacksAge == earlier.stacksAge
      && foreign == earlier.foreign && fingerprints == earlier.fingerprints
      && routeAge == earlier.routeAge && inFlight.isEmpty && outcomes.isEmpty
      && inspections.mapValues(\.result) == earlier.inspections.mapValues(\.result)
      && isRouteAsQuiet(as: earlier) && areProbesAsQuiet(as: earlier)
  }

  private func isRouteAsQuiet(as earlier: TargetInput) -> Bool {
    guard case .known(let new?) = route, case .known(let old?) = earlier.route else {
      return route == earlier.route
    }
    return new.isAsQuiet(as: old)
  }

  private func areProbesAsQuiet(as earlier: TargetInput) -> Bool {
    let gates = (stacks.value ?? []).map { ($0.id.generation, $0.certificate.spec.health) }
    return probes.keys == earlier.probes.keys
      && gates.allSatisfy { generation, gate in
        probes[generation].map { $0.seen(by: gate) }
          == earlier.probes[generation].map { $0.seen(by: gate) }
      }
  }
}

extension RouteObservation {
  /// Sessions of what carries traffic come and go.
  package func isAsQuiet(as earlier: RouteObservation) -> Bool {
    if self == earlier { return true }
    var (new, old) = (self, earlier)
    let carrying = route.split.filter { $0.value > 0 }.keys
    for generation in carrying {
      new.sessions[generation] = nil
      old.sessions[generation] = nil
    }
    return new == old
  }
}

extension ProbeReport {
  /// What a target at rest is planned by: all but the ages.
  package struct Seen: Hashable, Sendable {
    var healthy: Int
    var proven: Int
    var isFresh: Bool
    var lastFailure: String?
  }

  package func seen(by gate: HealthGate) -> Seen {
    Seen(
      healthy: healthy, proven: proven, isFresh: age <= gate.interval * 2 + gate.timeout,
      lastFailure: lastFailure)
  }
}
