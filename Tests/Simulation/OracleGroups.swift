import Model

/// Release groups, judged by what serves and what is thrown away.
extension Oracle {
  /// All others of its group, as declared now.
  func companions(of target: TargetID) -> [TargetID] {
    guard let group = declared[target]?.group else { return [] }
    return declared.values.filter {
      $0.group == group && $0.target != target && $0.target.environment == target.environment
    }.map(\.target).sorted()
  }

  func noteRelease(_ declaration: Declaration, _ digest: Digest, _ commit: CommitID) {
    let target = declaration.target
    guard declaration.group != nil else {
      releases[target] = nil
      return
    }
    // What was there before is switched back to, which waits for nobody.
    let isNew = accepted[target]?[digest] == nil
    if releases[target]?.digest != digest { releases[target] = isNew ? (digest, commit) : nil }
  }

  /// Before a route is written: what has served until now for as long as its bake takes has made it.
  func noteMembers(_ target: TargetID) {
    guard let declaration = declared[target], declaration.group != nil else { return }
    let slack = 2 * simulation.schedule.setup.intervalMilliseconds + simulation.slowestAnswer
    for stack in ground.stacks(of: target) where ground.weight(stack.id) == 100 {
      guard let since = servingSince[stack.id],
        now - since + slack >= min(declaration.bakeMilliseconds, shortestBake[target] ?? .max)
      else { continue }
      settledMembers[target, default: []].insert(stack.certificate.declaredDigest)
    }
  }

  /// What the router itself falls back to is trusted. Nobody is before what was declared by the same commit has
  /// made it, too.
  func judgeRelease(_ route: Route) {
    let target = route.target
    guard let fallback = route.fallback, let release = releases[target], !isLedgerLost,
      let trusted = ground.stacks[StackID(target, fallback)], isUndisturbed(target),
      trusted.certificate.declaredDigest == release.digest
    else { return }
    for other in companions(of: target) {
      guard let member = releases[other], member.commit == release.commit,
        isUndisturbed(other), declared[other]?.mode != TrafficPolicy.Mode.none
      else { continue }
      noteMembers(other)
      guard settledMembers[other]?.contains(member.digest) != true else { continue }
      report("group", "\(trusted.id) is trusted, and \(other), of the same commit, has not made it")
    }
  }

  /// Nobody has said that it may go alone, and nobody has changed what it is.
  private func isUndisturbed(_ target: TargetID) -> Bool {
    !isTouched(target) && !advanced.contains(target) && pardons[target] == nil
      && removed[target] == nil
  }
}
