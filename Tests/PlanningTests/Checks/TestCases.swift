import Model
import Planning

/// A rollout that is tested before its traffic and after its bake.
enum TestCases {
  static let all: [RuleCase] = [
    RuleCase("S1", "passes its gate before its test has ended") { wrong in
      wrong.passGate(.trying)
    } good: { right in
      right.passGate(.passed)
    },
    RuleCase("S1", "passes its gate although its test fails") { wrong in
      wrong.passGate(.failed)
    } good: { right in
      right.passGate(.passed)
    },
    RuleCase("S1", "is promoted before its test has ended") { wrong in
      wrong.promoteTested(.trying)
    } good: { right in
      right.promoteTested(.passed)
    },
    RuleCase("S1", "is promoted before its test has ended, unlike one that a person advances") {
      wrong in
      wrong.promoteTested(.trying)
    } good: { right in
      right.promoteTested(.trying)
      right.input.requests.append(
        OperatorRequest(
          sequence: 1, verb: .advance(CheckCase.id, isFull: false), by: "alice",
          at: WallTime(milliseconds: 0)))
    },
  ]
}

extension CheckCase {
  private static func machine(_ events: [RolloutMachine.Event]) -> RolloutMachine {
    let test = TestDeclaration(
      name: "smoke", call: .http(path: "/", expect: [200], contains: nil))
    var machine = RolloutMachine(
      candidate: 2, from: 1, cause: .commit,
      steps: [RolloutStep(weightPercent: 100, bake: .seconds(10))], tests: TestRun([test]))
    for event in [.launched, .tests(.began)] + events { _ = machine.handle(event) }
    return machine
  }

  /// In this pass, in which the test is seen to have gone so.
  fileprivate mutating func passGate(_ verdict: TestResult.Verdict) {
    record { $0.rollout = Self.machine([]) }
    target.tests = ["smoke": TestResult(verdict, "GET / answered")]
    after { _ = $0.rollout?.handle(.gatePassed) }
    plan.actions = []
  }

  /// The same of the test after its bake.
  fileprivate mutating func promoteTested(_ verdict: TestResult.Verdict) {
    record { record in
      record.rollout = Self.machine([
        .gatePassed, .shifted(restarts: 0), .served(.seconds(10)), .tests(.began),
      ])
    }
    target.tests = ["smoke": TestResult(verdict, "GET / answered")]
    readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
    becomeStable()
  }
}
