import Foundation
import Model
import Planning
import Testing

/// `make walks`: minutes of walks, which still find harm and stillness that is not quiet.
private let isWalking = ProcessInfo.processInfo.environment["VIRIDIAN_WALKS"] != nil

/// Random histories: anything may happen at any time, and the world must never be harmed; once it
/// stops happening, everything must become as declared and stay quiet.
@Suite struct RandomWalkTests {
  /// Safety, on many short walks.
  @Test(.enabled(if: isWalking), arguments: 0..<20)
  func `no action ever harms the world`(_ group: Int) {
    for seed in (group * 15)..<(group * 15 + 15) {
      var walk = Walk(seed: UInt64(seed), plan: plannerUnderTest)
      walk.wander(passes: 150)
      #expect(walk.wrong.isEmpty, "\(walk.story)")
      if !walk.wrong.isEmpty { return }
    }
  }

  /// L1: match once faults stop, then silence.
  @Test(.enabled(if: isWalking), arguments: 0..<20)
  func `once faults stop everything becomes as declared`(_ group: Int) {
    for seed in (group * 5)..<(group * 5 + 5) {
      var walk = Walk(seed: UInt64(1000 + seed), plan: plannerUnderTest)
      walk.wander(passes: 100)
      walk.heal()
      walk.settle(within: 400)
      walk.expectSilence(passes: seed % 10 == 0 ? 1000 : 60)
      #expect(walk.wrong.isEmpty, "\(walk.story)")
      if !walk.wrong.isEmpty { return }
    }
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
