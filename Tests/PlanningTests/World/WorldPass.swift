import LedgerKit
import Model
import Planning

/// What one pass read and decided, and what is wrong with it.
struct WorldPass {
  var input: PlanningInput
  var output: PlanningOutput
  var problems: [String]
}

extension World {
  /// One pass: read, plan, check, persist, act; then the time until the next pass goes by.
  mutating func pass(_ plan: Plan) -> WorldPass {
    let pass = decide(plan)
    act(on: pass.output)
    advance(interval)
    return pass
  }

  /// What the planner makes of the world as it can be read, and what is wrong with that.
  func decide(_ plan: Plan, isChecked: Bool = true) -> WorldPass {
    let input = self.input
    let output = plan(input)
    let problems = isChecked ? self.problems(input, output, plan) : []
    return WorldPass(input: input, output: output, problems: problems)
  }

  /// Persists and performs. `crashAfter`: the process dies once it has begun that many actions.
  mutating func act(on output: PlanningOutput, crashAfter: Int = .max) {
    process.outcomes = [:]
    ledger.persist(output)
    var budget = crashAfter
    for target in output.plan {
      for action in target.actions where process.inFlight[target.target] == nil && budget > 0 {
        budget -= 1
        begin(action, of: target.target)
      }
    }
    if crashAfter != .max { restart() }
  }

  /// Time without any pass: the agent is down, or between two passes.
  mutating func advance(_ time: Duration) {
    platform.advance(time)
    traffic.advance(time, router.routes)
    router.advance(time)
    clock.advance(time)
    for (target, action) in process.inFlight {
      if action.remaining > time {
        process.inFlight[target]?.remaining -= time
      } else {
        process.inFlight[target] = nil
        perform(action.action, of: target)
      }
    }
  }

  /// The process ends and a new one begins; `losingActions`: what was in flight never happened.
  mutating func restart(losingActions: Bool = false) {
    if !losingActions {
      for (target, action) in process.inFlight { perform(action.action, of: target) }
    }
    process.inFlight = [:]
    process.outcomes = [:]
    platform.forgetProbes()
    for target in ledger.records.keys { ledger.records[target]?.clock = nil }
    agent.isLedgerLost = false
  }

  mutating func reboot() {
    restart(losingActions: true)
    clock.boot += 1
    clock.sinceBoot = .seconds(20)
    platform.reboot()
  }

  mutating func loseLedger() {
    restart(losingActions: true)
    let losses = ledger.losses
    ledger = WorldLedger()
    ledger.losses = losses + 1
    agent.isLedgerLost = true
    for name in sources.keys { sources[name]?.forgetHistory() }
  }

  /// The ledger of an earlier moment is put back; the agent sees that it is older than the world.
  mutating func restore(_ saved: WorldLedger) {
    restart(losingActions: true)
    let losses = ledger.losses
    ledger = saved
    ledger.losses = losses + 1
    for target in ledger.records.keys { ledger.records[target]?.clock = nil }
    agent.isLedgerLost = true
  }

  private mutating func begin(_ action: Action, of target: TargetID) {
    if process.latency > .zero {
      process.inFlight[target] = .init(action: action, remaining: process.latency)
    } else {
      perform(action, of: target)
    }
  }

  private mutating func perform(_ action: Action, of target: TargetID) {
    let result = effect(of: action, on: target)
    process.outcomes[target, default: []].append(ActionOutcome(action: action, result: result))
  }

  mutating func effect(of action: Action, on target: TargetID) -> ActionOutcome.Result {
    switch action {
    case .ensure(let order):
      return platform.ensure(order, clock.wall, ledger.entries.count, interval)
    case .setInstances(let stack, let count): return platform.setInstances(count, of: stack, target)
    case .runTask(let stack, let task): return platform.run(task, of: stack, target)
    case .retire(let stack): return platform.retire(stack, of: target)
    case .route(let route, let revision): return router.apply(route, ifRevision: revision)
    case .removeRoute(let name, let revision): return router.remove(name, ifRevision: revision)
    }
  }

  // MARK: - What must hold of every pass

  private func problems(
    _ input: PlanningInput, _ output: PlanningOutput, _ plan: Plan
  ) -> [String] {
    var problems: [String] = []
    if plan(input) != output { problems.append("planning the same input again gave another plan") }
    for target in output.plan {
      problems += PlanChecks.violations(of: target, input: input, output: output).map {
        "\($0.invariant) \($0.target): \($0.message)"
      }
    }
    let delivered = Set(ledger.alerts.map(\.key))
    problems += output.plan.flatMap(\.alerts).filter { delivered.contains($0.key) }
      .map { "an alert that nobody gets, its key was used before: \($0.key)" }
    return problems + secondPlanning(input, output, plan)
  }

  /// Planning once more, with everything begun and nothing changed, decides nothing new.
  private func secondPlanning(
    _ input: PlanningInput, _ output: PlanningOutput, _ plan: Plan
  ) -> [String] {
    var next = input
    next.memory = output.memory
    next.requests = input.requests.filter { $0.sequence > output.memory.handledRequest }
    var remembered = WorldLedger()
    remembered.fingerprints = ledger.fingerprints
    remembered.persist(output)
    next.targets = input.targets.compactMap { target in
      guard let decided = output.plan.first(where: { $0.target == target.id }) else {
        return target
      }
      var target = target
      target.record = decided.record
      target.outcomes = []
      target.inFlight += decided.actions
      target.fingerprints = remembered.fingerprints[target.id] ?? [:]
      return target
    }
    return plan(next).plan.flatMap { again in
      let first = output.plan.first { $0.target == again.target }
      return Self.differences(first, again)
    }
  }

  /// Which fields of the two records differ.
  private static func fields(_ a: TargetRecord?, _ b: TargetRecord?) -> String {
    guard let a, let b else { return ": one is nil" }
    let pairs = zip(Mirror(reflecting: a).children, Mirror(reflecting: b).children)
    return pairs.filter { "\($0.value)" != "\($1.value)" }.map { ": \($0.0.label ?? "")" }.joined()
  }

  private static func differences(_ first: TargetPlan?, _ again: TargetPlan) -> [String] {
    let new = again.actions.filter { first?.actions.contains($0) != true }
    var found = new.map { "a new action: \(Trace.text(of: $0))" }
    found += again.entries.map { "a new entry: \($0.message)" }
    found += again.alerts.map { "a new alert: \($0.message)" }
    if let first, first.record != again.record {
      found.append("another record\(fields(first.record, again.record))")
    }
    return found.map { "planning again gives \(again.target) \($0)" }
  }
}
