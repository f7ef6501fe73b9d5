import Model
import PlatformKit

extension Simulation {
  /// It happens to the first target, now; the answer undoes it.
  func hide(_ event: Hidden) -> () -> Void {
    guard let target = schedule.setup.targets.first?.target else { return {} }
    let touched = ground.touchedAt[target]
    let undo =
      switch event {
      case .drift, .sicken, .killInstances, .deleteStack, .stuck, .foreignName:
        interfere(event, target)
      case .routeByHand, .routeLost: reroute(event, target)
      case .bump, .remove, .breakDocument, .forcePush: commit(event, target)
      case .pause, .rotate: ask(event, target)
      }
    // Meanwhile the world is not as the agent has read it.
    ground.touchedAt[target] = now
    return {
      undo()
      self.ground.touchedAt[target] = touched
    }
  }

  /// To the newest stack.
  private func interfere(_ event: Hidden, _ target: TargetID) -> () -> Void {
    let ground = ground
    if event == .foreignName {
      let newest = ground.stacks(of: target).last?.id.generation ?? 0
      let name = StackID(target, newest.next).name()
      ground.foreign.append(ForeignObject(identity: "hidden", name: name, reason: "no certificate"))
      return { ground.foreign.removeAll { $0.identity == "hidden" } }
    }
    guard let stack = ground.stacks(of: target).last else { return {} }
    switch event {
    case .drift:
      let drift = stack.drift
      stack.drift[FieldPath("release", "/files/app")] = "evil"
      return { stack.drift = drift }
    case .sicken:
      let sickUntil = stack.sickUntil
      stack.sickUntil = .max
      return { stack.sickUntil = sickUntil }
    case .killInstances:
      let instances = stack.instances
      for index in stack.instances.indices { ground.die(stack, index, "killed") }
      let lastExit = stack.lastExit
      return { ground.revive(stack, instances, was: lastExit) }
    case .deleteStack:
      let (instances, intended) = (stack.instances, stack.intended)
      ground.remove(stack)
      return { ground.putBack(stack, intended, instances) }
    case .stuck:
      let phase = stack.phase
      guard phase == .complete else { return {} }
      stack.phase = .stuck(reason: "device busy")
      return {
        guard case .stuck = stack.phase else { return }
        stack.phase = phase
        self.oracle.prove(stack)
      }
    case .foreignName, .routeByHand, .routeLost, .bump, .remove, .breakDocument, .forcePush, .pause,
      .rotate:
      return {}
    }
  }

  private func reroute(_ event: Hidden, _ target: TargetID) -> () -> Void {
    guard let before = ground.routes[target] else { return {} }
    if event == .routeLost {
      ground.loseRoute(target)
    } else {
      var route = before.route
      // The one without traffic gets it all, or the only one none.
      let chosen = route.backends.lastIndex { $0.weightPercent == 0 }
      for index in route.backends.indices {
        route.backends[index].weightPercent = index == chosen ? 100 : 0
      }
      ground.write(route)
    }
    let hidden = ground.routes[target]?.revision
    // Nobody undoes what the agent has written meanwhile.
    return { if self.ground.routes[target]?.revision == hidden { self.ground.write(before.route) } }
  }

  private func commit(_ event: Hidden, _ target: TargetID) -> () -> Void {
    let tree = repository.newest.tree
    guard event != .forcePush else {
      let tip = repository.tip
      repository.forcePush { $0.tree[target]?.version = "good-hidden" }
      return { self.repository.reset(to: tip) }
    }
    repository.push { commit in
      switch event {
      case .remove: commit.tree[target] = nil
      case .breakDocument: commit.broken = [target]
      default: commit.tree[target]?.version = "good-hidden"
      }
    }
    return {
      self.repository.push {
        $0.tree = tree
        $0.broken = []
      }
    }
  }

  private func ask(_ event: Hidden, _ target: TargetID) -> () -> Void {
    guard event == .pause else {
      secretVersion += 1
      return { self.secretVersion -= 1 }
    }
    ask(.pause(target))
    return { self.ask(.resume(target)) }
  }
}

extension Ground {
  /// Its instances run again as if nothing had been.
  func revive(_ stack: LiveStack, _ instances: [LiveStack.Instance], was lastExit: String?) {
    guard stacks[stack.id] === stack, stack.phase == .complete else { return }
    stack.lastExit = lastExit
    for index in stack.instances.indices where index < stack.intended {
      let life = stack.instances[index].life
      stack.instances[index] = instances[index]
      // What was planned for the one that died is void.
      stack.instances[index].life = life + 1
    }
  }
}
