import Model

extension PlanChecks {
  /// S4: a stack is retired only once it carries nothing, is drained, and is not the last good one.
  static let noDeleteUnderTraffic: Rule = { checked in
    checked.retirements.flatMap { stack -> [String] in
      let generation = stack.generation
      var wrong: [String] = []
      if !checked.isWorker { wrong += carries(generation, checked) }
      if !isDrained(generation, checked) { wrong.append("\(generation) is not drained") }
      if !checked.isRemovalAllowed { wrong += isLastGood(generation, checked) }
      return wrong
    }
  }

  private static func carries(_ generation: Generation, _ checked: CheckedPlan) -> [String] {
    guard checked.isRouteKnown else { return ["\(generation) is retired, its weight is unknown"] }
    var wrong: [String] = []
    if checked.weight(generation) > 0 { wrong.append("\(generation) is retired under traffic") }
    if (checked.newRoute?.weightPercent(of: generation) ?? 0) > 0 {
      wrong.append("\(generation) is retired and given weight in one pass")
    }
    if checked.route?.route.fallback == generation, !checked.isRemovalAllowed {
      wrong.append("\(generation) is retired and takes the share of dead stacks")
    }
    let written = checked.target.inFlight.compactMap(\.writtenRoute)
    if !written.isEmpty {
      wrong.append("\(generation) is retired while a route write is under way")
    }
    let ended = checked.target.outcomes.compactMap(\.action.writtenRoute)
    if let last = ended.last, last.split != checked.route?.route.split {
      wrong.append("\(generation) is retired by a read older than the last route write")
    }
    return wrong
  }

  /// It has no sessions, or they had their time and may be cut.
  static func isDrained(_ generation: Generation, _ checked: CheckedPlan) -> Bool {
    guard hasSessions(checked, generation) else { return true }
    guard let record = checked.before?.stacks[generation], let traffic = checked.spec?.traffic
    else {
      return false
    }
    let isInTime =
      (record.role == .draining && record.inRole < traffic.drainDeadline)
      || record.sinceTraffic.map { $0 + passed(checked) < traffic.drainDeadline } ?? false
    return traffic.afterDrain == .close && !isInTime
  }

  private static func isLastGood(_ generation: Generation, _ checked: CheckedPlan) -> [String] {
    let stables = [checked.before?.stable, checked.after?.stable]
    if stables.contains(generation) { return ["\(generation) is retired and is stable"] }
    if checked.after?.stacks[generation]?.role == .candidate {
      return ["\(generation) is retired and is the candidate"]
    }
    guard checked.before?.stacks[generation]?.wasStable == true else { return [] }
    // Its end has begun already, when a removal allowed it: nothing of it can be kept.
    if checked.stacks[generation]?.phase == .retiring { return [] }
    let others = checked.stacks.values.filter {
      $0.id.generation != generation && $0.phase == .complete
        && checked.before?.stacks[$0.id.generation]?.wasStable == true
    }
    return others.isEmpty ? ["\(generation) is retired and is the last known good stack"] : []
  }

  /// S4: a route is removed only once it carries nothing and nothing serves behind it.
  static let noRouteRemovedUnderTraffic: Rule = { checked in
    guard checked.plan.actions.contains(where: \.isRouteRemoval) else { return [] }
    guard let route = checked.route else { return ["removes a route that was not read"] }
    var wrong: [String] = []
    if !checked.isRemovalAllowed, !checked.isWorker {
      wrong.append("removes the route of a declared target")
    }
    let weights = route.route.backends.map(\.weightPercent)
    if weights.contains(where: { $0 > 0 }) { wrong.append("removes a route that carries traffic") }
    if checked.spec?.traffic.afterDrain == .wait, route.sessions.values.contains(where: { $0 > 0 })
    {
      wrong.append("removes a route with sessions that may end by themselves")
    }
    return wrong
  }

  /// S5: a stack is meant by generation and launch token, both as observed.
  static let immutableIdentity: Rule = { checked in
    checked.plan.actions.compactMap(\.reference).compactMap { stack in
      guard let seen = checked.stacks[stack.generation] else {
        return "\(stack.generation) was not observed"
      }
      guard seen.certificate.launch == stack.launch else {
        return "\(stack.generation) is another launch than the one that is meant"
      }
      return nil
    }
  }

  /// S9: only what bears our certificate and stands in the ledger is touched.
  static let ownership: Rule = { checked in
    let foreign = Set(checked.target.foreign.map(\.name))
    var wrong = checked.launches.filter { order in
      checked.stacks[order.stack.generation] == nil && foreign.contains(order.stack.name())
    }.map { "\($0.stack.generation) would take the name of an object that is not ours" }
    for stack in checked.retirements where checked.before?.stacks[stack.generation] == nil {
      wrong.append("\(stack.generation) is unclaimed and would be retired")
    }
    for change in checked.changes where checked.after?.stacks[change.stack.generation] == nil {
      wrong.append("\(change.stack.generation) is unclaimed and would be changed")
    }
    for backend in checked.raised where checked.after?.stacks[backend.generation] == nil {
      wrong.append("\(backend.generation) is unclaimed and would get weight")
    }
    return wrong
  }
}
