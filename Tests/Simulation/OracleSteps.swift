import Model

/// How a rollout is declared to go.
struct Course: Hashable {
  var strategy: RolloutPolicy.Strategy
  var steps: [Int]
  var bakeMilliseconds: Int
  var isJudged: Bool
  /// A person has to approve what follows the first step.
  var isApproved: Bool
  var unavailable: Int
  init(_ declaration: Declaration) {
    strategy = declaration.strategy
    steps = (declaration.steps ?? []) + [100]
    bakeMilliseconds = declaration.bakeMilliseconds
    isJudged = declaration.isJudged == true
    unavailable = declaration.unavailable ?? 0
    isApproved = declaration.approvalMilliseconds != nil
  }
}

extension Oracle {
  /// A rollout of it may let instances follow each other.
  func rolls(_ target: TargetID) -> Bool {
    courses[target]?.contains { $0.strategy == .rolling } == true
  }

  /// So many of the instances that all traffic needs may be missing (S2).
  func mayMiss(_ target: TargetID) -> Int {
    courses[target]?.filter { $0.strategy == .rolling }.map(\.unavailable).max() ?? 0
  }

  /// Instances that a share needs, of those that all traffic does. Instances that follow each other share
  /// by their number, which whole percents only come near to.
  func needed(_ percent: Int, of target: TargetID, _ floor: Int) -> Int {
    let (least, missing) = (min(1, floor), mayMiss(target))
    let percent = rolls(target) ? percent - 1 : percent
    return max(1, (percent * max(least, floor - missing) + 99) / 100)
  }
}

/// A canary, judged by its route alone.
extension Oracle {
  /// S1 and S20: no share beyond its step, and none before the bake of the one before it.
  func judgeSteps(_ route: Route) {
    for backend in route.backends {
      let id = StackID(route.target, backend.generation)
      let (old, new) = (ground.weight(id), backend.weightPercent)
      if new > old {
        judgeTests(id, from: old, to: new)
        judgeStep(id, from: old, to: new)
      }
      if new != old { shares[id] = (new, now) }
      if new == 100 { hadAll.insert(id) }
    }
  }

  /// S1 and S20: what fails its tests gets nothing, and nothing more.
  private func judgeTests(_ id: StackID, from old: Int, to new: Int) {
    guard isTested(id.target), let behaviour = ground.stacks[id]?.behaviour,
      behaviour == .buggy || (behaviour == .weary && old > 0)
    else { return }
    // A person does not wait for the rest of a step, and what serves too little is relieved at once.
    if (old > 0 && advanced.contains(id.target)) || isRelieving(id) { return }
    report("S20", "\(id) goes from \(old) % to \(new) %, and fails its tests")
  }

  private func isTested(_ target: TargetID) -> Bool {
    simulation.schedule.setup.targets.contains { $0.target == target && $0.isTested == true }
  }

  /// What shares the traffic with it has been unwell.
  private func isRelieving(_ id: StackID) -> Bool {
    (ground.routes[id.target]?.route.backends ?? []).contains { backend in
      let other = StackID(id.target, backend.generation)
      guard other != id, backend.weightPercent > 0 else { return false }
      guard let stack = ground.stacks[other] else { return true }
      return failedAt[other] != nil || ground.healthy(stack) < stack.declared
    }
  }

  private func judgeStep(_ id: StackID, from old: Int, to new: Int) {
    guard let course = course(of: id) else { return }
    let next = course.steps.first { $0 > old } ?? 100
    if new > next {
      report("S1", "\(id) goes from \(old) % to \(new) %, its next step is \(next) %")
    }
    if old > 0, course.isJudged, ground.stacks[id]?.behaviour == .erring,
      simulation.schedule.setup.requestsPerSecond != nil
    {
      report("S20", "\(id) goes to \(new) %, and a fifth of its requests fails")
    }
    if old > 0, old == course.steps.first, course.isApproved, !approvedSteps.contains(id.target) {
      report("S20", "\(id) goes to \(new) %, and nobody has approved that")
    }
    guard old > 0, let share = shares[id], share.percent == old else { return }
    // Passes count time in whole intervals, each at most once.
    let slack = 2 * simulation.schedule.setup.intervalMilliseconds + simulation.slowestAnswer
    if now - share.since < course.bakeMilliseconds - slack {
      report(
        "S20",
        "\(id) goes to \(new) % \(now - share.since) ms into a bake of \(course.bakeMilliseconds) ms"
      )
    }
  }

  /// What nothing leads back from keeps what it has, unless a person, or a commit, says otherwise.
  func judgeReturn(_ route: Route, _ old: [Generation: Int]) {
    let target = route.target
    guard isIrreversible(target), !isLedgerLost, !aborted.contains(target), !isTouched(target),
      removed[target] == nil
    else { return }
    for (loser, share) in old where route.weightPercent(of: loser) < share {
      for backend in route.backends
      where backend.generation < loser && backend.weightPercent > old[backend.generation] ?? 0 {
        let (new, older) = (StackID(target, loser), StackID(target, backend.generation))
        guard let was = ground.stacks[new]?.certificate,
          let now = ground.stacks[older]?.certificate,
          was.stackDigest != now.stackDigest, declaredDigests(target) != now.declaredDigest
        else { continue }
        report("irreversible", "the traffic of \(new) goes back to \(older)")
      }
    }
  }

  private func declaredDigests(_ target: TargetID) -> Digest? {
    declared[target]?.desired(source: "main", commit: "").declaredDigest
  }

  private func isIrreversible(_ target: TargetID) -> Bool {
    simulation.schedule.setup.targets.contains { $0.target == target && $0.isIrreversible == true }
  }

  /// The course that its rollout has to keep; nil where something allows another, or may.
  private func course(of id: StackID) -> Course? {
    let target = id.target
    // What follows one that nothing leads back from takes all at once.
    guard !isIrreversible(target), let courses = courses[target], courses.count == 1,
      let course = courses.first,
      course.strategy == .canary, !isLedgerLost, !isTouched(target), !advanced.contains(target),
      pardons[target] == nil, !hadAll.contains(id), let launch = launchedAt[id],
      !simulation.schedule.windows.contains(where: { $0.part == .probe })
    else { return nil }
    // What it is compared with has to serve, whole, since before it was launched.
    let serving =
      ground.routes[target]?.route.backends.filter {
        $0.weightPercent > 0 && $0.generation != id.generation
      } ?? []
    guard serving.count == 1, let stable = ground.stacks[StackID(target, serving[0].generation)],
      serving[0].weightPercent + ground.weight(id) == 100, stable.phase == .complete,
      ground.healthy(stable) == stable.declared, !rejected.contains(stable.id)
    else { return nil }
    let begin = launch - stable.gate.deadline.wholeMilliseconds - simulation.slowestAnswer - 2000
    // What failed before it served was its start.
    let failed = failedAt[stable.id] ?? .min
    guard failed < max(begin, servingSince[stable.id] ?? .min),
      (ground.touchedAt[target] ?? .min) < begin
    else { return nil }
    return course
  }
}
