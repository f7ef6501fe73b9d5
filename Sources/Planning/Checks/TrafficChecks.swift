import Model

extension PlanChecks {
  /// S1: weight grows only for a complete stack whose gate passed, and that answers now.
  static let gateBeforeTraffic: Rule = { checked in
    checked.raised.compactMap { backend in
      let generation = backend.generation
      guard let stack = checked.stacks[generation], stack.phase == .complete else {
        return "\(generation) gets weight but is not observed complete"
      }
      guard checked.isFreshlyProbed(generation), checked.healthy(generation) > 0 else {
        return "\(generation) gets weight without a fresh passing probe of its own endpoints"
      }
      let wasProven = checked.before?.stacks[generation]?.gatePassed == true
      let proven = checked.target.probes[generation]?.proven ?? 0
      // Of what rolls, as many as the step in which its gate passes has; what takes over may be further.
      let rollouts = [checked.before?.rollout, checked.after?.rollout].compactMap { $0 }
      let wanted = rollouts.filter { $0.candidate == generation && $0.bounds != nil }
        .compactMap { $0.step?.instances }.min()
      guard wasProven || proven >= wanted ?? stack.capacity.declared else {
        return "\(generation) gets weight before its gate has passed"
      }
      return nil
    }
  }

  /// S1: chosen requests, and users who stay, reach only what has a share of the others.
  static let pickedHasShare: Rule = { checked in
    guard let new = checked.newRoute else { return [] }
    let picked = [new.chosen?.generation, new.sticky?.generation].compactMap { $0 }
    return Set(picked).sorted().filter { new.weightPercent(of: $0) == 0 }
      .map { "\($0) gets chosen requests and has no share" }
  }

  /// S1: where a candidate grows, requests are sent to no more instances than have proven themselves.
  static let provenInstances: Rule = { checked in
    // Once it bakes, what was started again is the router's to find.
    guard let rollout = checked.after?.rollout, rollout.bounds != nil, rollout.phase != .baking,
      let new = checked.newRoute?.backends.first(where: { $0.generation == rollout.candidate }),
      new.weightPercent > 0
    else { return [] }
    let old = checked.route?.route.backends.first { $0.generation == rollout.candidate }
    let proven = checked.target.probes[rollout.candidate]?.proven ?? 0
    guard new.endpoints.count > max(proven, old?.endpoints.count ?? 0) else { return [] }
    return [
      "\(rollout.candidate) is sent requests at \(new.endpoints.count) instances, \(proven) are proven"
    ]
  }

  /// S17: the vector is complete, explicit and sums to 100.
  static let wholeSplit: Rule = { checked in
    guard let new = checked.newRoute else { return [] }
    var wrong: [String] = []
    let generations = new.backends.map(\.generation)
    if generations != Set(generations).sorted() {
      wrong.append("the backends are not sorted, or not each there once")
    }
    let weights = new.backends.map(\.weightPercent)
    if !weights.allSatisfy((0...100).contains) { wrong.append("a weight is not within 0 to 100") }
    let sum = weights.reduce(0, +)
    if sum != 100, sum != 0 { wrong.append("the weights sum to \(sum)") }
    for backend in checked.route?.route.backends ?? [] {
      let isUsed = backend.weightPercent > 0 || !isDrained(backend.generation, checked)
      if isUsed, checked.stacks[backend.generation] != nil,
        !generations.contains(backend.generation)
      {
        wrong.append("\(backend.generation) is left out in place of an explicit zero")
      }
    }
    return wrong
  }

  /// S17: every backend is the stack it names, and the fallback is one of them.
  static let validBackends: Rule = { checked in
    guard let new = checked.newRoute else { return [] }
    var wrong: [String] = []
    for backend in new.backends {
      guard let stack = checked.stacks[backend.generation] else {
        wrong.append("\(backend.generation) is behind the route but was not observed")
        continue
      }
      if stack.certificate.launch != backend.launch {
        wrong.append("\(backend.generation) is behind the route with another launch's token")
      }
      if backend.weightPercent > 0, backend.endpoints.isEmpty {
        wrong.append("\(backend.generation) gets weight but has no endpoint")
      }
      if !Set(backend.endpoints).isSubset(of: stack.endpoints) {
        wrong.append("\(backend.generation) has endpoints that were not observed")
      }
    }
    let picked = [new.preview, new.chosen?.generation, new.sticky?.generation].compactMap { $0 }
    for generation in picked where !new.backends.contains(where: { $0.generation == generation }) {
      wrong.append("\(generation) is to be reached and is no backend")
    }
    if let fallback = new.fallback {
      let isBackend = new.backends.contains { $0.generation == fallback }
      let role = checked.after?.stacks[fallback]?.role
      if !isBackend { wrong.append("the fallback \(fallback) is no backend") }
      if role == .quarantined { wrong.append("the fallback \(fallback) is quarantined") }
    }
    return wrong
  }

  /// S17: one write at most, and it replaces exactly what was read.
  static let oneRouteWrite: Rule = { checked in
    let writes = checked.plan.actions.filter(\.isRouteWrite)
    guard writes.count <= 1 else { return ["\(writes.count) route writes in one pass"] }
    return writes.flatMap { write -> [String] in
      let (name, revision): (TargetID, String?)
      switch write {
      case .route(let route, let expected): (name, revision) = (route.target, expected)
      case .removeRoute(let target, let expected): (name, revision) = (target, expected)
      case .ensure, .setInstances, .runTask, .retire: return []
      }
      let isNamed = name == checked.route?.route.target ?? checked.plan.target
      return (isNamed ? [] : ["the route is of \(name)"])
        + (revision == checked.route?.revision
          ? [] : ["the write expects revision \(revision ?? "none"), read was another"])
    }
  }

  /// A quarantined stack is never given traffic, and its digest is never launched again.
  static let quarantined: Rule = { checked in
    guard let record = checked.after else { return [] }
    let launched = checked.newLaunches.filter { record.quarantined[$0.stackDigest] != nil }
    let served = checked.raised.filter { backend in
      guard let stack = record.stacks[backend.generation] else { return false }
      if stack.role == .quarantined { return true }
      let isTrusted = stack.wasStable || record.stable == backend.generation
      return record.quarantined[stack.stackDigest] != nil && !isTrusted
    }
    return launched.map { "\($0.stack.generation) is launched, its digest is quarantined" }
      + served.map { "\($0.generation) gets weight, it is quarantined" }
  }

  static func hasSessions(_ checked: CheckedPlan, _ generation: Generation) -> Bool {
    (checked.route?.sessions[generation] ?? 0) > 0
  }
}
