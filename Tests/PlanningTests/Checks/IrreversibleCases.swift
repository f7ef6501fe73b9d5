import Model
import Planning

/// An irreversible v002 that bakes with half of the traffic, or with all of it.
enum IrreversibleCases {
  static let all: [RuleCase] = [
    RuleCase("irreversible", "all traffic back to the old stack") { wrong in
      wrong.bakeWithoutReturn()
      wrong.shift([1: 100, 2: 0])
    } good: { right in
      right.bakeWithoutReturn(hasServed: nil)
      right.shift([1: 100, 2: 0])
    },
    RuleCase("irreversible", "back to the old stack by a failure, unlike by an abort") { wrong in
      wrong.bakeWithoutReturn()
      wrong.fail(.stackFault)
    } good: { right in
      right.bakeWithoutReturn()
      right.fail(.aborted)
    },
    RuleCase("irreversible", "back to the old stack, unlike by an abort of this pass") { wrong in
      wrong.bakeWithoutReturn()
      wrong.shift([1: 100, 2: 0])
      wrong.input.requests = [Self.abort(TargetID("other", "production"))]
    } good: { right in
      right.bakeWithoutReturn()
      right.shift([1: 100, 2: 0])
      right.input.requests = [Self.abort(CheckCase.id)]
    },
    RuleCase("irreversible", "back to the old stack, unlike by a commit that declares it") {
      wrong in
      wrong.bakeWithoutReturn()
      wrong.shift([1: 100, 2: 0])
    } good: { right in
      right.bakeWithoutReturn()
      right.target.desired = .desired(CheckCase.old)
      right.shift([1: 100, 2: 0])
    },
    RuleCase("irreversible", "a lost route that gives the old stack more than it had") { wrong in
      wrong.bakeWithoutReturn()
      wrong.readRoute { $0.route = CheckCase.route([1: 0, 2: 0]) }
      wrong.shift([1: 60, 2: 40])
    } good: { right in
      right.bakeWithoutReturn()
      right.readRoute { $0.route = CheckCase.route([1: 0, 2: 0]) }
      right.shift([1: 50, 2: 50])
    },
    RuleCase("irreversible", "the old stack as the fallback") { wrong in
      wrong.bakeWithoutReturn()
      wrong.shift([1: 50, 2: 50]) { $0.fallback = 1 }
    } good: { right in
      right.bakeWithoutReturn()
      right.shift([1: 50, 2: 50]) { $0.fallback = 2 }
    },
    RuleCase("irreversible", "the old stack gains beside what only follows") { wrong in
      wrong.follow()
      wrong.shift([1: 100, 2: 0])
    } good: { right in
      right.follow()
      right.shift([1: 50, 2: 50])
    },
    RuleCase("freeze", "more for the candidate than it had, unlike a lost route") { wrong in
      wrong.loseRoute()
      wrong.shift([1: 40, 2: 60])
    } good: { right in
      right.loseRoute()
      right.shift([1: 50, 2: 50])
    },
    RuleCase("S20", "what nothing leads back from is stable while no other is declared") { wrong in
      wrong.overtake(declares: CheckCase.new)
    } good: { right in
      right.overtake(declares: CheckCase.next)
    },
    RuleCase("S20", "what nothing leads back from is stable, unlike what is gone") { wrong in
      wrong.overtake(declares: CheckCase.new)
    } good: { right in
      right.overtake(declares: CheckCase.new)
      right.target.stacks = .known([CheckCase.observed(CheckCase.old, 1)])
    },
    RuleCase("S20", "what has not all traffic is followed, unlike a worker that is to take some") {
      wrong in
      wrong.overtake(declares: CheckCase.next)
      wrong.readRoute { $0.route = CheckCase.route([1: 100, 2: 0]) }
    } good: { right in
      right.overtake(declares: CheckCase.next)
      right.readRoute { $0.route = CheckCase.route([1: 100, 2: 0]) }
      right.stack(2) { $0.certificate.traffic = .none }
    },
    RuleCase("S8", "one rollout too many, unlike beside one that is held") { wrong in
      wrong.launchBeside(isHeld: false)
    } good: { right in
      right.launchBeside(isHeld: true)
    },
    RuleCase("S8", "one too many in a wave, unlike beside one that is held") { wrong in
      wrong.launchBeside(isHeld: false, isWave: true)
    } good: { right in
      right.launchBeside(isHeld: true, isWave: true)
    },
    RuleCase("S20", "what is overtaken has not all traffic") { wrong in
      wrong.overtake(declares: CheckCase.next)
      wrong.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
    } good: { right in
      right.overtake(declares: CheckCase.next)
    },
    RuleCase("S20", "what is overtaken could be taken back") { wrong in
      wrong.overtake(declares: CheckCase.next, isIrreversible: nil)
    } good: { right in
      right.overtake(declares: CheckCase.next)
    },
  ]

  private static func abort(_ target: TargetID) -> OperatorRequest {
    OperatorRequest(sequence: 1, verb: .abort(target), by: "alice", at: WallTime(milliseconds: 0))
  }
}

extension CheckCase {
  fileprivate static let next = TargetSettings(version: "3.0.0").desired(
    id, source: "main", commit: "c3")

  /// Half of the traffic, or all; as the route shows.
  fileprivate mutating func bakeWithoutReturn(
    with percent: Int = 50, isIrreversible: Bool? = true, hasServed: Bool? = true
  ) {
    record { record in
      var rollout = RolloutMachine(
        candidate: 2, from: 1, cause: .commit, strategy: .canary,
        steps: [RolloutStep(weightPercent: percent, bake: .seconds(10))],
        isIrreversible: isIrreversible)
      _ = rollout.handle(.launched)
      _ = rollout.handle(.gatePassed)
      if hasServed == true { _ = rollout.handle(.shifted(restarts: 0)) }
      record.rollout = rollout
    }
    target.record?.stacks[1]?.wasStable = true
    readRoute { $0.route = CheckCase.route([1: 100 - percent, 2: percent]) }
  }

  /// It was begun in an earlier pass.
  fileprivate mutating func fail(_ kind: RolloutMachine.Failure.Kind) {
    record { _ = $0.rollout?.handle(.failed(.init(kind, "it fails"))) }
    shift([1: 100, 2: 0])
  }

  /// v002 takes over from another that had half of the traffic.
  fileprivate mutating func follow() {
    bakeWithoutReturn()
    record { record in
      record.rollout = RolloutMachine(
        candidate: 2, from: 1, cause: .commit, isIrreversible: true, hasServed: true)
      record.route.wanted = CheckCase.route([1: 50, 2: 50])
    }
    readRoute { $0.route = CheckCase.route([1: 0, 2: 0]) }
  }

  /// Another target of the same environment has a rollout.
  fileprivate mutating func launchBeside(isHeld: Bool, isWave: Bool = false) {
    launch()
    wave(beside: TargetID("other", "production"))
    if isHeld { _ = others[0].record?.rollout?.handle(.stopped(.init(.stackFault, "it fails"))) }
    guard !isWave else { return }
    target.desired = .desired(Self.new)
    input.limits.concurrentRollouts = 1
  }

  fileprivate mutating func loseRoute() {
    bakeWithoutReturn()
    target.freeze = "weekend"
    readRoute { $0.route = CheckCase.route([1: 0, 2: 0]) }
  }

  /// v002 has failed with all traffic, and becomes stable as it is.
  fileprivate mutating func overtake(declares: DesiredTarget, isIrreversible: Bool? = true) {
    bakeWithoutReturn(with: 100, isIrreversible: isIrreversible)
    record { _ = $0.rollout?.handle(.stopped(.init(.stackFault, "it fails"))) }
    target.desired = .desired(declares)
    target.resolution = .resolved(stackDigest: Self.digest(declares), inputs: [])
    becomeStable()
  }
}
