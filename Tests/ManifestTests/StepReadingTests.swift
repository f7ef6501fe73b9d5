import Manifest
import Model
import Testing

/// `rollout.steps`, in our words and in those of Argo Rollouts.
@Suite struct StepReadingTests {
  private func steps(_ rollout: String) -> (steps: [RolloutStep]?, messages: [String]) {
    let state = Example.with("rollout: \(rollout)").parse()
    return (state.targets.first?.rollout.canarySteps, state.diagnostics.map(\.message))
  }

  private func step(
    _ weight: Int, _ bake: Duration, within: Duration? = nil
  ) -> RolloutStep {
    RolloutStep(weightPercent: weight, bake: bake, approvalWithin: within)
  }

  @Test func `without steps there are four, each as long as the bake`() {
    let read = steps("{ strategy: canary, bake: 2m }")
    #expect(read.steps == [10, 25, 50, 100].map { step($0, .seconds(120)) })
    #expect(read.messages.isEmpty)
  }

  @Test func `a last step of all traffic is added, unless there is one`() {
    let added = steps("{ strategy: canary, bake: 9s, steps: [{ weight: 10, bake: 2m }] }")
    #expect(added.steps == [step(10, .seconds(120)), step(100, .seconds(9))])
    let own = steps("{ strategy: canary, steps: [{ weight: 10 }, { weight: 100, bake: 5s }] }")
    #expect(own.steps == [step(10, .seconds(60)), step(100, .seconds(5))])
  }

  @Test func `a step may wait for a person`() {
    let read = steps(
      "{ strategy: canary, steps: [{ weight: 5, approval: { within: 1h } }, { weight: 9, approval: {} }] }"
    )
    #expect(
      read.steps?.map(\.approvalWithin) == [.seconds(3600), .seconds(86_400), nil])
  }

  @Test func `steps of Argo Rollouts are understood as they are`() {
    let read = steps(
      "{ strategy: canary, bake: 1s, steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 40 },"
        + " { pause: { duration: 10m } }] }")
    #expect(
      read.steps == [
        step(20, .zero), step(20, .zero, within: .seconds(86_400)), step(40, .zero),
        step(40, .seconds(600)), step(100, .seconds(1)),
      ])
  }

  @Test(arguments: [
    ("{ steps: [{ weight: 10 }] }", "\"steps\" belong to strategy: canary"),
    ("{ strategy: canary, steps: [] }", "\"steps\" needs at least one step"),
    (
      "{ strategy: canary, steps: [{ weight: 10, setWeight: 10 }] }",
      "a step has one of weight, setWeight and pause"
    ),
    (
      "{ strategy: canary, steps: [{ bake: 1m }] }", "a step has one of weight, setWeight and pause"
    ),
    ("{ strategy: canary, steps: [{ pause: {} }] }", "the first step must give a weight"),
    (
      "{ strategy: canary, steps: [{ weight: 50 }, { weight: 10 }] }",
      "the weight falls from 50 to 10: steps go up"
    ),
    (
      "{ strategy: canary, steps: [{ setWeight: 50, bake: 1m }] }",
      "\"bake\" belongs to a step with a weight"
    ),
  ]) func `what makes no sense is told`(_ rollout: String, _ message: String) {
    let read = steps(rollout)
    #expect(read.messages == [message])
    #expect(read.steps == nil)
  }
}
