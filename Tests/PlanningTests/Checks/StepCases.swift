import Analysis
import Model
import Planning

/// A canary of 10, 50 and 100 %, each baking ten seconds.
enum StepCases {
  static let all: [RuleCase] = [
    RuleCase("S1", "more than the first step gives") { wrong in
      wrong.canary(reached: 0)
      wrong.shift([1: 50, 2: 50])
    } good: { right in
      right.canary(reached: 0)
      right.shift([1: 90, 2: 10])
    },
    RuleCase("S1", "all traffic in the second step, unlike what it gives") { wrong in
      wrong.canary(reached: 1)
      wrong.shift([1: 0, 2: 100])
    } good: { right in
      right.canary(reached: 1)
      right.shift([1: 50, 2: 50])
    },
    RuleCase("S20", "a step before its bake is over") { wrong in
      wrong.step(served: .seconds(5))
    } good: { right in
      right.step(served: .seconds(10))
    },
    RuleCase("S20", "a step before its bake is over, unlike one that a person advances") { wrong in
      wrong.step(served: .seconds(5))
      wrong.ask(.advance(TargetID("other", "production"), isFull: false))
    } good: { right in
      right.step(served: .seconds(5))
      right.ask(.advance(CheckCase.id, isFull: false))
    },
    RuleCase("S20", "a step before its bake is over, unlike one because stable fails") { wrong in
      wrong.step(served: .seconds(5))
    } good: { right in
      right.step(served: .seconds(5))
      right.target.probes[1]?.healthy = 0
    },
    RuleCase("S20", "a step before its bake is over, unlike one because stable is gone") { wrong in
      wrong.step(served: .seconds(5))
    } good: { right in
      right.step(served: .seconds(5))
      right.stack(1) { $0.phase = .failed(.platform, reason: "gone") }
    },
    RuleCase("S20", "a step that nobody has approved") { wrong in
      wrong.step(served: .seconds(10), approvalWithin: .seconds(60))
    } good: { right in
      right.step(served: .seconds(10), approvalWithin: .seconds(60))
      right.ask(.approve(CheckCase.id))
    },
    RuleCase("S20", "a step that nobody has approved, unlike one of an earlier pass") { wrong in
      wrong.step(served: .seconds(10), approvalWithin: .seconds(60))
    } good: { right in
      right.step(served: .seconds(10), approvalWithin: .seconds(60), isApproved: true)
    },
    RuleCase("S20", "a step is left out") { wrong in
      wrong.step(served: .seconds(10), isFull: true)
    } good: { right in
      right.step(served: .seconds(10), isFull: true)
      right.ask(.advance(CheckCase.id, isFull: true))
    },
    RuleCase("S20", "a step whose traffic was not judged") { wrong in
      wrong.step(served: .seconds(10), analysis: AnalysisDeclaration())
    } good: { right in
      right.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .good)
    },
    RuleCase("S20", "a step whose traffic shows nothing yet") { wrong in
      wrong.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .few)
    } good: { right in
      right.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .good)
    },
    RuleCase("S20", "a step by the verdict on another share") { wrong in
      wrong.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .otherShare)
    } good: { right in
      right.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .good)
    },
    RuleCase("S20", "a step although its traffic fails, unlike one whose traffic is good") {
      wrong in
      wrong.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .bad)
      wrong.ask(.advance(CheckCase.id, isFull: false))
    } good: { right in
      right.step(served: .seconds(10), analysis: AnalysisDeclaration(), judged: .good)
      right.ask(.advance(CheckCase.id, isFull: false))
    },
    RuleCase("S20", "a promotion before the last step") { wrong in
      wrong.promote(reached: 1, served: .seconds(10))
    } good: { right in
      right.promote(reached: 2, served: .seconds(10))
    },
    RuleCase("S20", "a promotion that nobody has approved") { wrong in
      wrong.promote(reached: 2, served: .seconds(10), approvalWithin: .seconds(60))
    } good: { right in
      right.promote(reached: 2, served: .seconds(10), approvalWithin: .seconds(60))
      right.ask(.approve(CheckCase.id))
    },
    RuleCase("S20", "a promotion after half of the last bake, unlike one that a person advances") {
      wrong in
      wrong.promote(isAdvanced: false)
    } good: { right in
      right.promote(isAdvanced: true)
    },
  ]
}

/// What the router counted with 10 % of the traffic.
private enum Traffic {
  case good, few, otherShare, bad

  var record: JudgementRecord {
    let requests = self == .few ? 10 : 10_000
    return JudgementRecord(
      judging: Measurements(
        candidate: ArmCounts(requests: requests, errors: self == .bad ? requests / 10 : 0),
        baseline: ArmCounts(requests: requests * 9, errors: 0),
        candidateWeightPercent: self == .otherShare ? 11 : 10, watched: .seconds(10)),
      by: AnalysisPolicy(minimumWatched: .zero))
  }
}

extension CheckCase {
  private static func machine(
    reached: Int, served: Duration, approvalWithin: Duration? = nil,
    analysis: AnalysisDeclaration? = nil, judged: Traffic? = nil
  ) -> RolloutMachine {
    let steps = [10, 50, 100].map {
      RolloutStep(weightPercent: $0, bake: .seconds(10), approvalWithin: approvalWithin)
    }
    var machine = RolloutMachine(
      candidate: 2, from: 1, cause: .commit, strategy: .canary, steps: steps,
      analysis: analysis)
    for event in [RolloutMachine.Event.launched, .gatePassed] { _ = machine.handle(event) }
    for _ in 0..<reached {
      _ = machine.handle(.shifted(restarts: 0))
      _ = machine.handle(.baked)
    }
    if served > .zero {
      _ = machine.handle(.shifted(restarts: 0))
      _ = machine.handle(.served(served))
    }
    if let judged { _ = machine.handle(.judged(StepEvidence(), judged.record)) }
    return machine
  }

  /// `reached`: steps that have proven themselves.
  fileprivate mutating func canary(reached: Int) {
    record { $0.rollout = Self.machine(reached: reached, served: .zero) }
    if reached == 1 { readRoute { $0.route = CheckCase.route([1: 90, 2: 10]) } }
  }

  /// From the first step to the next one, in this pass; `isFull`: to the last one.
  fileprivate mutating func step(
    served: Duration, approvalWithin: Duration? = nil, isApproved: Bool = false,
    isFull: Bool = false, analysis: AnalysisDeclaration? = nil, judged: Traffic? = nil
  ) {
    var machine = Self.machine(
      reached: 0, served: served, approvalWithin: approvalWithin, analysis: analysis,
      judged: judged)
    // In this pass a second has gone by.
    if isApproved { _ = machine.handle(.approved) }
    record { $0.rollout = machine }
    after { record in _ = record.rollout?.handle(isFull ? .advanced(isFull: true) : .baked) }
    readRoute { $0.route = CheckCase.route([1: 90, 2: 10]) }
    plan.actions = []
  }

  fileprivate mutating func ask(_ verb: OperatorRequest.Verb) {
    input.requests.append(
      OperatorRequest(sequence: 1, verb: verb, by: "alice", at: WallTime(milliseconds: 0)))
  }

  /// v002 is promoted by a bake of the step after `reached` of so long.
  fileprivate mutating func promote(
    reached: Int = 2, served: Duration = .seconds(5), isAdvanced: Bool = false,
    approvalWithin: Duration? = nil
  ) {
    record { record in
      record.rollout = Self.machine(
        reached: reached, served: served, approvalWithin: approvalWithin)
      if isAdvanced { _ = record.rollout?.handle(.advanced(isFull: false)) }
      record.stacks[2]?.inRole = .seconds(5)
    }
    readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
    becomeStable()
  }
}
