import Model
import Planning
import Testing

/// The simulated world itself: a world that forgives would make every scenario worthless.
@Suite struct WorldTests {
  private static let web = TargetID("web", "production")

  @Test func `what is retired leaves no fingerprint behind`() {
    let stage = stage(
      [
        "commit web@production version=1.0.0 retain=0", "run until quiet",
        "commit web@production version=2.0.0", "run until gone web@production v001 within 120s",
        "run 5s",
      ], plannerUnderTest)
    #expect(stage.world.ledger.fingerprints[Self.web]?.keys.sorted() == [2])
  }

  private func stage(_ lines: [String], _ plan: @escaping World.Plan = ToyPlanner.plan) -> Stage {
    var stage = Stage(plan: plan)
    for line in lines { _ = stage.perform([line]) }
    return stage
  }

  @Test func `a launch goes on only while it is asked for`() {
    var stage = stage(["platform launches 5s", "commit web@production version=1", "run 2s"])
    _ = stage.perform(["mode observe"])
    _ = stage.perform(["run 60s"])
    #expect(stage.world.platform[Self.web, 1]?.phase == .launching("unpacking"))
    _ = stage.perform(["mode act"])
    _ = stage.perform(["run 10s"])
    #expect(stage.world.platform[Self.web, 1]?.phase == .complete)
    #expect(stage.world.router.routes[Self.web]?.route.weightPercent(of: 1) == 100)
  }

  @Test func `an instance is proven only by consecutive passes that this process saw`() {
    var stage = stage(["commit web@production version=1", "run 4s"])
    #expect(stage.world.platform[Self.web, 1]?.proven == 2)
    stage.world.restart()
    #expect(stage.world.platform[Self.web, 1]?.healthy == 2)
    #expect(stage.world.platform[Self.web, 1]?.proven == 0)
  }

  @Test func `a route write on an old revision is refused`() {
    var stage = stage(["commit web@production version=1", "run 10s"])
    guard let route = stage.world.router.routes[Self.web]?.route else {
      Issue.record("no route")
      return
    }
    let answer = stage.world.router.apply(route, ifRevision: "r0")
    #expect(answer == .conflict("the route is at r1"))
  }

  @Test func `a slow router shows the old split until the write has arrived`() {
    var stage = stage([
      "commit web@production version=1", "run 10s", "router propagation 3s",
      "router hand web@production v001=0",
    ])
    func shown() -> Int? {
      stage.world.router.observed(Self.web, stage.world.platform).value??.route
        .weightPercent(of: 1)
    }
    #expect(shown() == 100)
    stage.world.advance(.seconds(3))
    #expect(shown() == 0)
  }

  @Test func `an action in flight happens later, and never if the process loses it`() {
    var stage = stage(["platform latency 3s", "commit web@production version=1", "run 1s"])
    #expect(stage.world.platform[Self.web, 1] == nil)
    #expect(stage.world.input.targets.first?.inFlight.count == 1)
    var lost = stage.world
    lost.restart(losingActions: true)
    lost.advance(.seconds(10))
    #expect(lost.platform[Self.web, 1] == nil)
    stage.world.advance(.seconds(3))
    #expect(stage.world.platform[Self.web, 1] != nil)
  }

  @Test func `a commit without a target removes it only if it is complete`() {
    var stage = stage([
      "commit web@production", "commit api@production", "commit broken api@production",
    ])
    _ = stage.perform(["commit", "remove web@production", "broken api@production"])
    guard case .held = stage.world.desired(Self.web) else {
      Issue.record("\(stage.world.desired(Self.web))")
      return
    }
    _ = stage.perform(["commit api@production version=3"])
    guard case .removed("main", "c5", _?) = stage.world.desired(Self.web) else {
      Issue.record("\(stage.world.desired(Self.web))")
      return
    }
  }

  @Test func `a script survives being written`() {
    let text = "# A story.\nrun 1s\n----\n00:00 x\n\n# And on.\ncommit\na@b version=1\n----\n"
    #expect(Script(parsing: text).text == text)
  }

  @Test func `a planner that writes no intent is found by the checks`() {
    let stage = stage(["commit web@production version=1", "run 1s"])
    #expect(stage.trace.lines.contains { $0.contains("VIOLATION S6") })
  }

  // MARK: - The oracle finds what it is there to find

  @Test(arguments: [Harm.impatience, .deletion, .closing, .parking])
  func `the oracle finds a planner that does harm`(_ harm: Harm) {
    var world = stage([
      "commit web@production version=1", "run 10s", "commit web@production version=2",
    ]).world
    var oracle = WorldOracle()
    var found: [String] = []
    for _ in 0..<10 where found.isEmpty {
      oracle.watch(world)
      let before = world
      var output = ToyPlanner.plan(world.input)
      harm.change(&output, world)
      world.act(on: output)
      found = oracle.wrong(from: before, to: world)
      world.advance(world.interval)
    }
    #expect(found.contains { $0.contains(harm.rawValue) }, "\(found)")
  }

  @Test func `the oracle finds an exclusive target that runs twice`() {
    var world = stage([
      "commit web@production mode=none exclusive=true version=1", "run 10s",
      "commit web@production version=2",
    ]).world
    let oracle = WorldOracle()
    var found: [String] = []
    for _ in 0..<10 where found.isEmpty {
      let before = world
      world.act(on: ToyPlanner.plan(world.input))
      found = oracle.wrong(from: before, to: world)
      world.advance(world.interval)
    }
    #expect(found.contains { $0.contains("exclusive") }, "\(found)")
  }

  enum Harm: String, Sendable {
    case impatience = "S1"
    case deletion = "S4"
    case closing = "S2: the route was closed"
    case parking = "S2: an action lowered"

    func change(_ output: inout PlanningOutput, _ world: World) {
      guard let route = world.router.routes[web], let old = world.platform[web, 1] else { return }
      let reference = StackReference(generation: 1, launch: old.certificate.launch)
      var new = route.route
      switch self {
      case .deletion: output.plan[0].actions = [.retire(reference)]
      case .parking: output.plan[0].actions = [.setInstances(reference, count: 1)]
      case .closing:
        new.backends[0].weightPercent = 0
        output.plan[0].actions = [.route(new, ifRevision: route.revision)]
      case .impatience:
        guard let candidate = world.platform[web, 2], candidate.phase == .complete else { return }
        new.backends[0].weightPercent = 0
        new.backends.append(
          Backend(
            generation: 2, launch: candidate.certificate.launch, endpoints: candidate.endpoints,
            weightPercent: 100))
        output.plan[0].actions = [.route(new, ifRevision: route.revision)]
      }
    }
  }
}
