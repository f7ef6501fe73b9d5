import Foundation
import Model
import Planning
import Testing

/// How many walks of each kind: a few with every test run, thousands with `make walks WALKS=…`.
private let walks = Int(ProcessInfo.processInfo.environment["VIRIDIAN_WALKS"] ?? "") ?? 6

/// So many cases run side by side; each walks its share of the seeds.
private let groups = 20

/// The seed of one walk to be told pass by pass: `VIRIDIAN_WALK=796`.
private let told = UInt64(ProcessInfo.processInfo.environment["VIRIDIAN_WALK"] ?? "")

/// Random histories: anything may happen at any time, and the world must never be harmed; once it
/// stops happening, everything must become as declared and stay quiet.
@Suite struct RandomWalkTests {
  /// Safety, on many short walks.
  @Test(arguments: 0..<groups) func `no action ever harms the world`(_ group: Int) {
    for seed in stride(from: group, to: walks, by: groups) {
      var walk = Walk(seed: UInt64(seed), plan: plannerUnderTest)
      walk.wander(passes: 150)
      #expect(walk.wrong.isEmpty, "seed \(seed)\n\(walk.story)")
      if !walk.wrong.isEmpty { return }
    }
  }

  /// L1: match once faults stop, then silence.
  @Test(arguments: 0..<groups)
  func `once faults stop everything becomes as declared`(_ group: Int) {
    for seed in stride(from: group, to: walks, by: groups) {
      let walk = quietened(seed)
      #expect(walk.wrong.isEmpty, "seed \(seed)\n\(walk.story)")
      if !walk.wrong.isEmpty { return }
    }
  }

  private func quietened(_ seed: Int, isTold: Bool = false) -> Walk {
    var walk = Walk(seed: UInt64(1_000_000 + seed), plan: plannerUnderTest)
    walk.isTold = isTold
    walk.wander(passes: 100)
    walk.heal()
    walk.settle(within: 400)
    walk.expectSilence(passes: seed % 10 == 0 ? 1000 : 60)
    return walk
  }

  /// For people who look into a seed that failed.
  @Test(.enabled(if: told != nil)) func `the two walks of one seed, told`() throws {
    let seed = try #require(told)
    var walk = Walk(seed: seed, plan: plannerUnderTest)
    walk.isTold = true
    walk.wander(passes: 150)
    print(walk.story, quietened(Int(seed), isTold: true).story, separator: "\n\n")
  }

  /// The oracle must not take what happens to the world for what an action did to it.
  @Test(arguments: 0..<50) func `accidents alone are never held against a planner`(_ seed: Int) {
    var walk = Walk(seed: UInt64(seed)) { input in
      guard input.now.bootID == "boot-1", input.now.sinceBoot < .seconds(1020) else {
        return PlanningOutput(plan: [], memory: input.memory)
      }
      return ToyPlanner.plan(input)
    }
    walk.wander(passes: 150, isChecked: false)
    #expect(walk.wrong.isEmpty, "\(walk.story)")
    #expect(walk.stage.world.clock.script >= .seconds(150))
  }

  @Test func `the same seed gives the same history`() {
    var (first, second) = (
      Walk(seed: 7, plan: plannerUnderTest), Walk(seed: 7, plan: plannerUnderTest)
    )
    first.wander(passes: 100)
    second.wander(passes: 100)
    #expect(first.story == second.story)
    #expect(first.stage.world.input == second.stage.world.input)
  }
}
