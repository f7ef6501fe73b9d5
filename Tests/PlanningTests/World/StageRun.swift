import Model
import Planning

/// Commands that let time pass, and those that look.
extension Stage {
  /// `run 30s`, `run 24h every 60s`, `run until CONDITION [within 5m]`.
  ///
  /// Conditions: `quiet` (five passes without any news or action), `synced TARGET`,
  /// `held TARGET`, `phase TARGET PHASE`, `weight TARGET v002=100`, `gone TARGET v001`.
  mutating func run(_ words: [String]) throws(ScriptError) {
    guard words.first == "until" else {
      if words.count == 3, words[1] == "every" { world.interval = try duration(words[2]) }
      defer { world.interval = .seconds(1) }
      let end = world.clock.script + (try duration(words.first))
      while world.clock.script < end { _ = step() }
      return
    }
    var condition = Array(words.dropFirst())
    var limit = Duration.seconds(300)
    if let index = condition.firstIndex(of: "within"), index + 1 < condition.count {
      limit = try duration(condition[index + 1])
      condition.removeSubrange(index...)
    }
    let end = world.clock.script + limit
    while world.clock.script < end {
      let pass = step()
      if try isMet(condition, after: pass) { return }
    }
    trace.say("NOT REACHED within \(limit.text): \(condition.joined(separator: " "))")
  }

  /// `kill after 1`: one pass whose process dies once it has begun that many actions.
  mutating func kill(_ words: [String]) throws(ScriptError) {
    let (count, time) = (try number(words.last), world.clock.text)
    let pass = world.decide(plan)
    world.act(on: pass.output, crashAfter: count)
    world.advance(world.interval)
    trace.record(pass, at: time)
  }

  private mutating func step() -> WorldPass {
    let time = world.clock.text
    let pass = world.pass(plan)
    trace.record(pass, at: time)
    return pass
  }

  private func isMet(_ words: [String], after pass: WorldPass) throws(ScriptError) -> Bool {
    if words == ["quiet"] { return trace.quietPasses >= 5 }
    let target = try target(words.count > 1 ? words[1] : nil)
    let status = pass.output.plan.first { $0.target == target }?.status
    switch words.first {
    case "synced": return status?.sync == .synced && status?.rollout == nil
    case "held": return status?.hold != nil
    case "phase": return status?.rollout?.phase == words.last
    case "gone": return world.platform[target, try generation(words.last)] == nil
    case "weight":
      let split = try split(words.dropFirst(2))
      let route = world.router.routes[target]?.route
      return split.allSatisfy { route?.weightPercent(of: $0.key) == $0.value }
    default: throw ScriptError("unknown condition \(words.joined(separator: " "))")
    }
  }

  /// `show stacks|route|status|explanation|targets [TARGET]`: what is really there, or what the
  /// newest plan says.
  mutating func show(_ words: [String]) throws(ScriptError) {
    if words.first == "targets" {
      for target in world.targetIDs { trace.say("\(target)") }
      return
    }
    let target = try target(words.count > 1 ? words[1] : nil)
    switch words.first {
    case "stacks": showStacks(target)
    case "route":
      trace.say(world.router.routes[target].map { Trace.text(of: $0.route) } ?? "no route")
    case "status", "explanation":
      let status = plan(world.input).plan.first { $0.target == target }?.status
      guard let status else { throw ScriptError("no status of \(target)") }
      if words.first == "status" { show(status) }
      for line in status.explanation { trace.say("says: \(line)") }
    case "quarantine":
      let all = world.ledger.records[target]?.quarantined.values.sorted {
        $0.generation < $1.generation
      }
      trace.say(
        "\(all?.map { "\($0.generation): \($0.reason)" }.joined(separator: "; ") ?? "none")")
    default: throw ScriptError("nothing to show: \(words.joined(separator: " "))")
    }
  }

  private mutating func showStacks(_ target: TargetID) {
    let roles = world.ledger.records[target]?.stacks ?? [:]
    let stacks = world.platform.stacks[target] ?? [:]
    if stacks.isEmpty { trace.say("no stacks") }
    for generation in stacks.keys.sorted() {
      guard let stack = stacks[generation] else { continue }
      let role = roles[generation]?.role.rawValue ?? "unclaimed"
      trace.say(
        "\(generation) \(stack.certificate.version) \(role): \(stack.healthy) healthy of"
          + " \(stack.intended) intended, \(stack.declared) declared")
    }
  }

  private mutating func show(_ status: TargetStatus) {
    trace.say("\(status.sync.rawValue), live \(status.liveVersion ?? "nothing")")
    for condition in status.conditions where condition.status {
      trace.say("\(condition.type.rawValue): \(condition.reason): \(condition.message)")
    }
    if let hold = status.hold { trace.say("hold: \(hold)") }
    if status.isPaused { trace.say("paused") }
    for finding in status.findings { trace.say("\(finding)") }
    trace.say("rollback: \(status.rollback)")
  }
}
