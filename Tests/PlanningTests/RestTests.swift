import Foundation
import Model
import Planning
import Synchronization
import Testing

private let walks = Int(ProcessInfo.processInfo.environment["VIRIDIAN_WALKS"] ?? "") ?? 6

/// A target that is not planned because it is at rest must be exactly as if it had been: the agent
/// leaves it out, and whatever happens to others and to it, nobody can tell.
@Suite struct RestTests {
  @Test(arguments: 0..<20) func `whoever sleeps misses nothing`(_ group: Int) {
    for seed in stride(from: group, to: max(walks, 20), by: 20) {
      let twin = SleepingTwin()
      var walk = Walk(seed: UInt64(2_000_000 + seed), plan: twin.plan)
      walk.wander(passes: 120, isChecked: false)
      walk.heal()
      for _ in 0..<150 { walk.stage.world.passUnchecked(twin.plan) }
      #expect(twin.wrong.isEmpty, "seed \(seed): \(twin.wrong.prefix(3))")
      #expect(twin.slept > 30, "seed \(seed): hardly anything rested, so nothing is shown")
    }
  }

  @Test func `a route is as quiet as before only if nothing but what it carries has changed`()
    throws
  {
    guard case .known(let before?) = CheckCase().target.route else { return #expect(Bool(false)) }
    func isQuiet(_ change: (inout RouteObservation) -> Void) -> Bool {
      var after = before
      change(&after)
      return after.isAsQuiet(as: before)
    }
    #expect(isQuiet { _ in })
    #expect(isQuiet { $0.sessions[1] = 7 }, "v001 has the traffic")
    #expect(!isQuiet { $0.sessions[2] = 7 }, "v002 has none: it drains")
    #expect(!isQuiet { ($0.sessions[1], $0.route) = (7, CheckCase.route([1: 0, 2: 100])) })
    #expect(!isQuiet { $0.route.backends[0].weightPercent = 99 })
    #expect(!isQuiet { $0.revision = "r2" })
    #expect(!isQuiet { $0.serversUp[1] = 1 })
    #expect(!isQuiet { $0.isListening = false })
    #expect(!isQuiet { $0.sessionsCut[1] = 1 })
  }

  @Test func `what is kept for a while is due in time`() throws {
    let twin = SleepingTwin()
    var stage = Stage(plan: twin.plan)
    _ = stage.perform(["commit web@production version=1.0.0 bake=2s warm=40s"])
    for _ in 0..<20 { stage.world.passUnchecked(twin.plan) }
    _ = stage.perform(["commit web@production version=2.0.0 bake=2s warm=40s"])
    for _ in 0..<60 { stage.world.passUnchecked(twin.plan) }
    #expect(twin.wrong.isEmpty, "\(twin.wrong.prefix(3))")
    #expect(twin.dues.contains { $0 > .seconds(20) && $0 <= .seconds(40) })
    let id = TargetID("web", "production")
    #expect(stage.world.ledger.records[id]?.stacks.count == 1, "the warm stack was retired")
  }
}

extension World {
  /// One pass that plans once, so that each planning is that of a pass.
  fileprivate mutating func passUnchecked(_ plan: Plan) {
    act(on: decide(plan, isChecked: false).output)
    advance(interval)
  }
}

/// Plans every target, and beside it only those that an agent would: compares the two.
private final class SleepingTwin: Sendable {
  private struct State {
    var input: PlanningInput?
    var output: PlanningOutput?
    var wrong: [String] = []
    var slept = 0
    var dues: Set<Duration> = []
  }

  private let state = Mutex(State())

  var wrong: [String] { state.withLock { $0.wrong } }
  var slept: Int { state.withLock { $0.slept } }
  var dues: Set<Duration> { state.withLock { $0.dues } }

  var plan: World.Plan {
    { input in
      let output = Planner.plan(input)
      self.state.withLock { state in
        if let last = state.input, let told = state.output {
          Self.compare(input, output, with: last, told, &state)
        }
        (state.input, state.output) = (input, output)
      }
      return output
    }
  }

  private static func compare(
    _ input: PlanningInput, _ output: PlanningOutput, with last: PlanningInput,
    _ told: PlanningOutput, _ state: inout State
  ) {
    guard isSameForAll(input, last, told) else { return }
    let elapsed = input.now.elapsed(since: last.now, limit: input.interval * 2)
    let before = Dictionary(last.targets.map { ($0.id, $0) }) { first, _ in first }
    let plans = Dictionary(told.plan.map { ($0.target, $0) }) { first, _ in first }
    var sleeping: [TargetID: TargetPlan] = [:]
    for target in input.targets {
      guard let plan = plans[target.id], let rest = plan.rest, let old = before[target.id],
        target.record == plan.record, target.isAsQuiet(as: old),
        rest.due.map({ elapsed < $0 }) ?? true
      else { continue }
      var expected = plan
      expected.record = plan.record?.rested(for: elapsed, until: input.now)
      expected.rest = elapsed > .zero ? Rest(due: rest.due.map { $0 - elapsed }) : nil
      sleeping[target.id] = expected
      if let due = rest.due { state.dues.insert(due) }
    }
    state.slept += sleeping.count
    for plan in output.plan {
      if let expected = sleeping[plan.target], expected != plan {
        state.wrong.append("\(input.now.sinceBoot): \(plan) is not \(expected)")
      }
    }
    var awake = input
    awake.targets.removeAll { sleeping[$0.id] != nil }
    let partial = Planner.plan(awake)
    if partial.memory != output.memory { state.wrong.append("another memory: \(partial.memory)") }
    if partial.plan != output.plan.filter({ sleeping[$0.target] == nil }) {
      state.wrong.append("\(input.now.sinceBoot): those awake are planned otherwise")
    }
  }

  /// What an agent wakes everybody for.
  private static func isSameForAll(
    _ input: PlanningInput, _ last: PlanningInput, _ told: PlanningOutput
  ) -> Bool {
    input.now.bootID == last.now.bootID && input.now.sinceBoot >= last.now.sinceBoot
      && input.interval == last.interval && input.agent == last.agent
      && input.limits == last.limits && input.sources == last.sources && input.requests.isEmpty
      && input.memory == told.memory && input.targets.map(\.id) == last.targets.map(\.id)
  }
}
