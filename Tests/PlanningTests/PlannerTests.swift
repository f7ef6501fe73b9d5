import LedgerKit
import Model
import Planning
import Testing

/// What no scenario shows: memory that is not printed, and listings that may be late.
@Suite struct PlannerTests {
  private static let job = TargetID("job", "production")

  @Test func `a commit whose removals are approved twice is remembered once`() {
    var stage = Stage(plan: plannerUnderTest)
    for line in [
      "commit web@production version=1.0.0", "request approve c1", "run 1s", "request approve c1",
      "run 1s",
    ] { _ = stage.perform([line]) }
    #expect(stage.world.ledger.memory.approvedRemovals == ["c1"])
  }

  @Test func `what was parked has ended once a listing must show it`() {
    let late: World.Plan = { input in
      var input = input
      for index in input.targets.indices { input.targets[index].stacksPropagation = .seconds(5) }
      return Planner.plan(input)
    }
    var stage = Stage(plan: late)
    for line in [
      "commit job@production version=1.0.0 mode=none exclusive=true instances=1",
      "run until synced job@production", "commit job@production version=2.0.0",
      "run until synced job@production", "commit job@production version=1.0.0", "run 4s",
    ] { _ = stage.perform([line]) }
    #expect(stage.world.platform[Self.job, 2]?.running == 0)
    #expect(stage.world.ledger.records[Self.job]?.rollout?.phase == .vacating)
    _ = stage.perform(["run until synced job@production"])
    #expect(stage.world.ledger.records[Self.job]?.stable == 1)
  }

  /// How many processes of v001 and v002 still run since they were asked to end; nil: not asked yet.
  @Test(
    arguments: [
      (nil, nil, 1), (2, nil, 2), (0, nil, 1), (2, 0, 2), (0, 2, 1), (2, 2, 1),
    ] as [(Int?, Int?, Int)])
  func `stacks end side by side`(_ first: Int?, _ second: Int?, _ next: Int) {
    var world = CheckCase()
    world.settle()
    let stable = CheckCase.remembered(CheckCase.new, .stable, wasStable: true)
    let ending = CheckCase.remembered(CheckCase.old, .retiring, wasStable: false)
    world.record { record in
      record.stacks = [1: ending, 2: ending, 3: stable]
      (record.stable, record.nextGeneration) = (3, 4)
    }
    var stacks = [CheckCase.observed(CheckCase.old, 1), CheckCase.observed(CheckCase.old, 2)]
    for (place, running) in [first, second].enumerated() {
      guard let running else { continue }
      stacks[place].phase = .retiring
      stacks[place].capacity = Capacity(declared: 2, intended: 0, running: running)
    }
    world.target.stacks = .known(stacks + [CheckCase.observed(CheckCase.new, 3)])
    world.target.probes = [3: ProbeReport(healthy: 2, proven: 2, age: .seconds(1))]
    world.readRoute { route in
      var served = CheckCase.route([2: 100])
      let seen = CheckCase.observed(CheckCase.new, 3)
      served.backends = [
        Backend(
          generation: 3, launch: seen.certificate.launch, endpoints: seen.endpoints,
          weightPercent: 100, checkPath: "/healthz")
      ]
      (served.fallback, served.drainDeadline) = (3, CheckCase.new.traffic.drainDeadline)
      route.route = served
    }
    let actions = Planner.plan(world.input).plan.first?.actions ?? []
    guard case .retire(let stack)? = actions.first else {
      Issue.record("does \(actions)")
      return
    }
    #expect(stack.generation.number == next)
  }

  /// v002 serves; a listing may be five seconds late.
  @Test func `what could not be read was not absent meanwhile`() {
    var world = CheckCase()
    world.settleLate(stacks: .seconds(5))
    let without = Observed<[StackObservation]>.known([CheckCase.observed(CheckCase.old, 1)])
    var told = alerts(&world, without)
    for _ in 0..<10 { told += alerts(&world, .unknown(reason: "no answer")) }
    told += alerts(&world, without)
    #expect(!told.contains("StackLost"), "absent for one second of those that were watched")
    for _ in 0..<5 { told += alerts(&world, without) }
    #expect(told.contains("StackLost"), "absent for longer than any listing is late")
  }

  /// Reasons of the alerts of one pass, in which the platform shows this; a second goes by.
  private func alerts(
    _ world: inout CheckCase, _ stacks: Observed<[StackObservation]>
  ) -> [String] {
    world.target.stacks = stacks
    guard let plan = Planner.plan(world.input).plan.first else { return [] }
    world.target.record = plan.record
    world.input.now.sinceBoot += .seconds(1)
    world.input.now.wall.milliseconds += 1000
    return plan.alerts.map(\.reason)
  }
}
