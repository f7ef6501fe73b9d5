import Model

extension Simulation {
  /// One thing happens, now.
  func happen(_ happening: Happening) {
    let declaration = schedule.setup.targets[happening.target]
    let target = declaration.target
    note("world", "\(happening.event.rawValue) \(target) \(happening.draw)")
    cover(happening.event.rawValue, target)
    // Somebody takes a backup now and then, for another to restore.
    if disk.backup == nil || happening.draw % 5 == 0 { disk.backup = disk.ledger }
    switch happening.event {
    case .bump, .revert, .badVersion, .resize, .policy, .remove, .restore, .breakDocument,
      .emptyTree,
      .burst, .forcePush, .rewind, .removeWhileBroken:
      commit(happening, target)
    case .sourceDown, .staleMirror, .platformDown, .routerDown, .diskFull: outage(happening)
    case .kill, .killAtNextEffect, .stop, .secondAgent, .deleteLease, .reboot, .clockJump, .suspend,
      .ledgerLost, .ledgerRestored:
      hostTrouble(happening)
    case .killInstance, .killAllInstances, .deleteStack, .loseKeeper, .drift, .unreadable,
      .routeByHand,
      .routeLost, .foreignName, .stuck, .sicken, .flap:
      interfere(happening, target)
    case .pause, .resume, .abort, .retry, .release, .adopt, .approve, .approveStep, .advance:
      request(happening, target)
    }
  }

  // MARK: - Git

  private func commit(_ happening: Happening, _ target: TargetID) {
    let draw = happening.draw
    var version = "good\(draw % 1000)"
    switch happening.event {
    case .forcePush:
      repository.forcePush { $0.tree[target]?.version = "good-forced\(draw)" }
      return
    case .rewind:
      if let parent = repository.newest.parent { repository.staleTip = parent }
      timeline.plan(after: 2000 + draw % 9000) { self.repository.staleTip = nil }
      return
    case .burst:
      for index in 0..<5 {
        timeline.plan(after: index * (100 + draw % 900)) {
          self.repository.push { $0.tree[target]?.version = "good\(draw % 100 + index)" }
        }
      }
      return
    case .badVersion:
      var kinds: [LiveStack.Behaviour] = [
        .slow, .silent, .crashing, .dying, .failing, .unlucky, .erring,
      ]
      if repository.newest.tree[target]?.isTested == true { kinds += [.buggy, .weary] }
      if repository.newest.tree[target]?.hasJobs == true { kinds += [.unprepared] }
      version = "\(kinds[draw % kinds.count].rawValue)\(draw / 8 % 3)"
    case .revert:
      version = formerVersion(of: target) ?? version
    default: break
    }
    let others = releasedWith(target, happening)
    repository.push { commit in
      switch happening.event {
      case .bump, .badVersion, .revert:
        for (other, version) in others { commit.tree[other]?.version = version }
        commit.tree[target]?.version = version
      case .resize: commit.tree[target]?.instances = 1 + draw % 3
      case .policy:
        commit.tree[target]?.bakeMilliseconds = draw % 5 * 1500
        let isGrouped = commit.tree[target]?.group != nil
        commit.tree[target]?.onNewCommit =
          [.supersede, .coalesce, isGrouped ? .supersede : .queue][draw / 7 % 3]
        commit.tree[target]?.retain = draw % 3
        // A worker has no share of the traffic to begin with.
        if draw % 7 < 4, commit.tree[target]?.mode != TrafficPolicy.Mode.none {
          let strategies: [RolloutPolicy.Strategy] = [.blueGreen, .canary, .recreate, .rolling]
          commit.tree[target]?.strategy = strategies[draw % 7]
          commit.tree[target]?.steps = draw % 7 == 1 ? [25, 75] : nil
          commit.tree[target]?.approvalMilliseconds = nil
          commit.tree[target]?.isJudged = draw % 2 == 0
          commit.tree[target]?.surge = draw % 7 == 3 ? 1 : nil
          commit.tree[target]?.unavailable = draw % 7 == 3 ? draw / 11 % 2 : nil
        }
      case .remove: commit.tree[target] = nil
      case .restore:
        commit.tree[target] = commit.tree[target] ?? self.schedule.setup.targets[happening.target]
      case .breakDocument:
        commit.broken = [target]
        commit.tree[target]?.version = version
      case .emptyTree: commit.tree = [:]
      case .removeWhileBroken:
        commit.tree[target] = nil
        commit.broken = Set(commit.tree.keys.sorted().prefix(1))
      default: break
      }
    }
  }

  /// What was declared before, whenever that was.
  private func formerVersion(of target: TargetID) -> String? {
    let older = repository.commits[repository.tip]?.parent.flatMap { repository.commits[$0] }
    return older?.tree[target]?.version
  }

  /// Most commits to a group are of all of it: what the others get.
  private func releasedWith(_ target: TargetID, _ happening: Happening) -> [TargetID: String] {
    let (tree, draw) = (repository.newest.tree, happening.draw)
    guard let group = tree[target]?.group, draw / 16 % 4 != 0 else { return [:] }
    let others = tree.values.filter { $0.group == group && $0.target != target }.map(\.target)
    let versions = others.map { other in
      let former = happening.event == .revert ? formerVersion(of: other) : nil
      return (other, former ?? "good\(draw % 1000)")
    }
    return Dictionary(versions) { first, _ in first }
  }

  // MARK: - Outages

  private func outage(_ happening: Happening) {
    let time = 300 + happening.draw % 5000
    switch happening.event {
    case .sourceDown:
      isSourceDown = true
      timeline.plan(after: time) { self.isSourceDown = false }
    case .staleMirror:
      repository.staleTip = repository.tip
      timeline.plan(after: time) { self.repository.staleTip = nil }
    case .platformDown:
      isPlatformDown = true
      timeline.plan(after: time) { self.isPlatformDown = false }
    case .routerDown:
      isRouterDown = true
      timeline.plan(after: time) { self.isRouterDown = false }
    case .diskFull:
      disk.isFull = true
      timeline.plan(after: time) { self.disk.isFull = false }
    default: break
    }
  }

  // MARK: - Host and process

  private func hostTrouble(_ happening: Happening) {
    let draw = happening.draw
    switch happening.event {
    case .kill: victim(draw)?.kill()
    case .killAtNextEffect: isArmed = true
    case .stop:
      guard let life = victim(draw) else { return }
      life.stop()
      timeline.plan(after: 500 + draw % 8000) {
        life.goOn()
        self.oracle.blindAt = self.now
      }
    case .secondAgent: startAgent()
    case .deleteLease:
      disk.deleteLease()
      timeline.plan(after: draw % 3000) { self.startAgent() }
    case .reboot: reboot()
    case .clockJump: wallSteps += (draw % 3 - 1) * 315_360_000_000 + draw % 7_200_000 - 3_600_000
    case .suspend:
      bootedAt -= draw % 4_000_000
      ground.catchUp()
    case .ledgerLost, .ledgerRestored: changeLedger(happening)
    default: break
    }
  }

  private func victim(_ draw: Int) -> Life? {
    lives.isEmpty ? nil : lives[draw % lives.count]
  }

  /// All processes end; stacks are on disk still, and wait until somebody asks for them.
  private func reboot() {
    for life in lives { life.kill() }
    boot += 1
    bootedAt = now
    for stack in ground.stacks.values { ground.loseKeeper(stack, "starting again after a reboot") }
    for target in schedule.setup.targets { ground.touchedAt[target.target] = now }
  }

  /// Only while no process has it open.
  private func changeLedger(_ happening: Happening) {
    for life in lives { life.kill() }
    if happening.event == .ledgerRestored, let backup = disk.backup {
      guard disk.restore(backup) else {
        // It is what was written here last: nothing is lost any more.
        if disk.mark != nil { oracle.held = [:] }
        return
      }
    } else {
      disk.loseLedger()
      if happening.draw % 2 == 0 { disk.loseMark() }
    }
    oracle.ledgerWasLost()
  }

  // MARK: - Interference

  private func interfere(_ happening: Happening, _ target: TargetID) {
    let draw = happening.draw
    let stacks = ground.stacks(of: target)
    guard let stack = stacks.isEmpty ? nil : stacks[stacks.count - 1 - draw % min(2, stacks.count)]
    else { return }
    ground.touchedAt[target] = now
    switch happening.event {
    case .killInstance: ground.die(stack, draw % stack.declared, "killed")
    case .killAllInstances:
      for index in stack.instances.indices { ground.die(stack, index, "killed") }
    case .deleteStack: ground.remove(stack)
    case .loseKeeper: ground.loseKeeper(stack, "its keeper died")
    case .drift:
      stack.drift[FieldPath("release", "/files/app")] = draw % 3 == 0 ? .some(nil) : "evil"
    case .unreadable: stack.unreadable.insert(FieldPath("release", "/files/app"))
    case .routeByHand: routeByHand(target, draw)
    case .routeLost: ground.loseRoute(target)
    case .foreignName: addForeign(target)
    case .stuck:
      stack.phase = .stuck(reason: "device busy")
      timeline.plan(after: 1500 + draw % 4000) {
        if case .stuck = stack.phase { self.unstick(stack) }
      }
    case .sicken: stack.sickUntil = now + 1500 + draw % 6000
    case .flap:
      for index in 0..<4 {
        timeline.plan(after: index * 900) {
          stack.sickUntil = self.now + 400
          self.ground.touchedAt[target] = self.now
        }
      }
    default: break
    }
  }

  private func unstick(_ stack: LiveStack) {
    stack.phase = .complete
    if stack.hasKeeper {
      ground.run(stack, stack.intended)
    } else {
      ground.loseKeeper(stack, "starting again")
    }
  }

  private func routeByHand(_ target: TargetID, _ draw: Int) {
    guard var route = ground.routes[target]?.route, !route.backends.isEmpty else { return }
    let chosen = draw % route.backends.count
    for index in route.backends.indices {
      route.backends[index].weightPercent = index == chosen ? 100 : 0
    }
    ground.write(route)
  }

  private func addForeign(_ target: TargetID) {
    let newest = ground.stacks(of: target).last?.id.generation ?? 0
    let name = StackID(target, newest.next).name()
    ground.foreign.append(
      ForeignObject(
        identity: "object-\(ground.foreign.count)", name: name, reason: "no certificate"))
  }

  // MARK: - Requests

  private func request(_ happening: Happening, _ target: TargetID) {
    switch happening.event {
    case .pause: ask(.pause(happening.draw % 3 == 0 ? nil : target))
    case .resume: ask(.resume(happening.draw % 3 == 0 ? nil : target))
    case .abort: ask(.abort(target))
    case .retry: ask(.retry(target))
    case .release: ask(.release(target, nil))
    case .adopt: ask(.adopt(happening.draw % 2 == 0 ? nil : target))
    case .approve: ask(.approveRemoval(repository.tip))
    case .approveStep: ask(.approve(target))
    case .advance: ask(.advance(target, isFull: happening.draw % 3 == 0))
    default: break
    }
  }

  func ask(_ verb: OperatorRequest.Verb) {
    _ = disk.append(OperatorRequest(verb: verb, by: "ada", at: hostNow.wall))
    oracle.asks(verb)
  }

  // MARK: - Healing

  /// Every fault ends, every person says go on, and each target gets a digest that is good.
  func heal() {
    note("world", "heals")
    beginHealing()
    (isPlatformDown, isRouterDown, isSourceDown, isArmed) = (false, false, false, false)
    disk.isFull = false
    repository.staleTip = nil
    ground.foreign = []
    for life in lives { life.goOn() }
    for stack in ground.stacks.values {
      (stack.unreadable, stack.sickUntil) = ([], 0)
      // What somebody changed stays changed, where the agent is to answer it.
      if oracle.declared[stack.id.target]?.drift != .replace { stack.drift = [:] }
      if case .stuck = stack.phase { unstick(stack) }
    }
    ask(.resume(nil))
    ask(.adopt(nil))
    for declaration in schedule.setup.targets {
      ask(.resume(declaration.target))
      ask(.release(declaration.target, nil))
      ask(.adopt(declaration.target))
    }
    // Half of the time what was declared last is good enough to end with.
    if schedule.seed % 2 == 0, isGoodEnough {
      for declaration in schedule.setup.targets { ask(.retry(declaration.target)) }
    } else {
      declareGood()
    }
    restartIfDead()
  }

  private func declareGood() {
    let change: (inout Repository.Commit) -> Void = { commit in
      commit.broken = []
      for declaration in self.schedule.setup.targets {
        commit.tree[declaration.target] = commit.tree[declaration.target] ?? declaration
        commit.tree[declaration.target]?.version = "good-final"
      }
    }
    if let kept = keptToDescendFrom {
      repository.mend(onto: kept, change)
    } else {
      repository.push(change)
    }
  }

  /// nil: the tip does already.
  private var keptToDescendFrom: CommitID? {
    oracle.acceptedCommit.flatMap { repository.descends(repository.tip, from: $0) ? nil : $0 }
  }

  /// Whoever sees that something is still held, after an answer or a failure that came too late, asks
  /// again.
  func askAgain() {
    // What was read just before the branch was mended may have been taken after it.
    if keptToDescendFrom != nil { declareGood() }
    if oracle.isLedgerLost { ask(.adopt(nil)) }
    for target in unmatched {
      ask(.retry(target))
      ask(.release(target, nil))
    }
  }

  /// Whoever reads that a rollout waits for an approval gives it.
  func approveWhatWaits() {
    for (target, status) in disk.ledger.statuses.sorted(by: { $0.key < $1.key }) {
      let waits = status.explanation.contains { $0.hasPrefix("waits for an approval") }
      if waits { ask(.approve(target)) }
    }
  }

  private func restartIfDead() {
    if lives.isEmpty { timeline.plan(after: 1000) { if self.lives.isEmpty { self.startAgent() } } }
  }

  /// Everything is declared, in a version that works, and nobody has to be asked to follow.
  private var isGoodEnough: Bool {
    let newest = repository.newest
    guard newest.broken.isEmpty,
      oracle.acceptedCommit.map({ repository.descends(repository.tip, from: $0) }) ?? true
    else { return false }
    // What was taken back without evidence is tried again, however long that takes.
    guard disk.ledger.statuses.values.allSatisfy({ $0.hold == nil }) else { return false }
    return schedule.setup.targets.allSatisfy { declaration in
      newest.tree[declaration.target]?.version.hasPrefix("good") ?? false
    }
  }
}
