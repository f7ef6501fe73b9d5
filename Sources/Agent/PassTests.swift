import Model
import Planning
import PlatformKit

extension Pass {
  /// Of rollouts that ask for tests now, as far as their preview is read back at the candidate.
  func test(_ state: PassState, _ inputs: inout PassInputs) async {
    var questions: [TestRunner.Question: TargetID] = [:]
    for target in state.restless {
      guard let record = state.records[target]?.value, let rollout = record.rollout,
        let pending = rollout.tests?.pending, !pending.isEmpty
      else { continue }
      let platform = inputs.claims.declared[target]?.platform ?? record.lastGood?.platform
      guard let platform, let router = parts.places[platform]?.router,
        let route = inputs.route(target, on: platform).value ?? nil,
        route.route.preview == rollout.candidate,
        let backend = route.route.backends.first(where: { $0.generation == rollout.candidate }),
        let address = router.previewAddress(of: route.route)
      else { continue }
      let stack = record.stacks[rollout.candidate]?.order?.stack
      for test in pending where test.needsPreview {
        let question = TestRunner.Question(
          stack: stack ?? StackID(target, rollout.candidate), launch: backend.launch,
          round: rollout.tests?.round ?? 0, test: test, address: address)
        questions[question] = target
      }
    }
    for (question, result) in await parts.tests.results(of: Set(questions.keys), at: inputs.now) {
      guard let target = questions[question] else { continue }
      inputs.tests[target, default: [:]][question.test.name] = result
    }
  }
}
