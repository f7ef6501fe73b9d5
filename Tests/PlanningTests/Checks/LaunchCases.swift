import Model
import Planning

enum LaunchCases {
  static let all: [RuleCase] = [
    RuleCase("S6", "a generation that was used before") { wrong in
      wrong.launch()
      wrong.record { $0.nextGeneration = 5 }
    } good: { right in
      right.launch()
    },
    RuleCase("S6", "a generation below an unclaimed stack's") { wrong in
      wrong.launch()
      wrong.target.stacks = .known([
        CheckCase.observed(CheckCase.old, 1), CheckCase.observed(CheckCase.old, 7),
      ])
    } good: { right in
      right.launch()
    },
    RuleCase("S6", "another digest under a recorded intent") { wrong in
      wrong.goOn()
      wrong.target.record?.stacks[2]?.stackDigest = CheckCase.digest(CheckCase.old)
    } good: { right in
      right.goOn()
    },
    RuleCase("S6", "going on with a launch of another target") { wrong in
      wrong.goOn()
      wrong.plan.actions = [.ensure(CheckCase.order(CheckCase.new, 2, of: CheckCase.before))]
    } good: { right in
      right.goOn()
      right.target.formerly = [CheckCase.before]
      right.plan.actions = [.ensure(CheckCase.order(CheckCase.new, 2, of: CheckCase.before))]
    },
    RuleCase("S6", "a new launch under an earlier name") { wrong in
      wrong.launch()
      wrong.target.formerly = [CheckCase.before]
      wrong.plan.actions = [.ensure(CheckCase.order(CheckCase.new, 2, of: CheckCase.before))]
    } good: { right in
      right.launch()
      right.target.formerly = [CheckCase.before]
    },
    RuleCase("S6", "a second launch of what has lived") { wrong in
      wrong.goOn()
      wrong.target.record?.stacks[2]?.gatePassed = true
    } good: { right in
      right.goOn()
    },
    RuleCase("S6", "another digest than the stack that is there") { wrong in
      wrong.plan.actions = [.ensure(CheckCase.order(CheckCase.old, 2))]
    } good: { right in
      right.plan.actions = [.ensure(CheckCase.order(CheckCase.new, 2))]
    },
    RuleCase("S6", "no intent in the record") { wrong in
      wrong.launch()
      wrong.plan.record?.nextGeneration = 2
    } good: { right in
      right.launch()
    },
    RuleCase("S7", "digests that are not those of the spec") { wrong in
      wrong.launch()
      var order = CheckCase.order(CheckCase.new, 2)
      order.spec.instances = 3
      wrong.plan.actions = [.ensure(order)]
    } good: { right in
      right.launch()
    },
    RuleCase("S7", "a launch of what is running already") { wrong in
      wrong.relaunch(.commit)
    } good: { right in
      right.relaunch(.drift)
    },
    RuleCase("S8", "a launch beside the candidate") { wrong in
      wrong.launch()
      wrong.plan.record?.rollout = RolloutMachine(candidate: 3, from: 1, cause: .commit)
    } good: { right in
      right.launch()
    },
    RuleCase("S8", "a second candidate before the first has all traffic") { wrong in
      wrong.launchNext(besides: [1: 100, 2: 0])
    } good: { right in
      right.launchNext(besides: [1: 0, 2: 100])
    },
    RuleCase("S8", "weight for the next candidate while the first bakes") { wrong in
      wrong.shift([1: 0, 2: 100])
      wrong.plan.record?.successor = 2
    } good: { right in
      right.shift([1: 0, 2: 100])
    },
    RuleCase("S8", "more targets of an environment than it allows, unlike a repair") { wrong in
      wrong.launch()
      wrong.wave(beside: TargetID("api", "production"))
    } good: { right in
      right.relaunch(.repair)
      right.wave(beside: TargetID("api", "production"), declared: CheckCase.old)
    },
    RuleCase("S8", "more targets of an environment than it allows, unlike one elsewhere") { wrong in
      wrong.launch()
      wrong.wave(beside: TargetID("api", "production"))
    } good: { right in
      right.launch()
      right.wave(beside: TargetID("api", "staging"))
    },
    RuleCase("S8", "more targets of an environment than it allows, unlike what is refused") {
      wrong in
      wrong.launch()
      wrong.wave(beside: TargetID("api", "production"))
    } good: { right in
      right.launch()
      right.wave(beside: TargetID("api", "production"), isRefused: true)
    },
    RuleCase("paused", "the next candidate while the first bakes, paused") { wrong in
      wrong.launchNext(besides: [1: 0, 2: 100])
      wrong.record { $0.isPaused = true }
    } good: { right in
      right.launchNext(besides: [1: 0, 2: 100])
    },
    RuleCase("S8", "two candidates") { wrong in
      wrong.record { $0.stacks[1]?.role = .candidate }
    } good: { _ in
    },
    RuleCase("S8", "more rollouts than may be") { wrong in
      wrong.launch()
      wrong.input.limits.concurrentRollouts = 0
    } good: { right in
      right.launch()
      right.input.limits.concurrentRollouts = 1
    },
    RuleCase("S8", "a turn beside what the same platform refuses") { wrong in
      wrong.launch()
      wrong.refuse(on: "local")
    } good: { right in
      right.launch()
      right.refuse(on: "other")
    },
    RuleCase("S8", "a turn beside what was refused once and goes on") { wrong in
      wrong.launch()
      wrong.refuse(on: "other")
      _ = wrong.others[0].record?.rollout?.handle(.launched)
    } good: { right in
      right.launch()
      right.refuse(on: "other")
    },
    RuleCase("S8", "more stacks than may be") { wrong in
      wrong.launch()
      wrong.crowd(6)
    } good: { right in
      right.launch()
      right.crowd(5)
    },
    RuleCase("S11", "a digest that nobody declares") { wrong in
      wrong.launch()
      wrong.target.desired = .held(lastGood: CheckCase.old, reason: "force-push")
    } good: { right in
      right.launch()
      right.target.desired = .held(lastGood: CheckCase.new, reason: "force-push")
    },
    RuleCase("S21", "a fourth replacement within the window") { wrong in
      wrong.relaunch(.drift)
      wrong.record { $0.breaker = replaced(3) }
    } good: { right in
      right.relaunch(.drift)
      right.record { $0.breaker = replaced(2) }
    },
    RuleCase("S21", "a fourth replacement, the window longer than an hour") { wrong in
      wrong.relaunch(.drift)
      wrong.record {
        $0.breaker = replaced(3, age: .seconds(4000))
        $0.breaker.lastRollout = .seconds(900)
      }
    } good: { right in
      right.relaunch(.drift)
      right.record { $0.breaker = replaced(3, age: .seconds(4000)) }
    },
    RuleCase("breaker", "a launch of the digest that the breaker holds") { wrong in
      wrong.relaunch(.repair)
      wrong.record { $0.breaker = open }
    } good: { right in
      right.launch()
      right.record { $0.breaker = open }
    },
    RuleCase("breaker", "a retirement while the breaker holds") { wrong in
      wrong.settle()
      wrong.record { $0.breaker = open }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
  ]

  private static func replaced(_ count: Int, age: Duration = .seconds(60)) -> Breaker {
    Breaker(
      digest: CheckCase.digest(CheckCase.old), replacements: Array(repeating: age, count: count))
  }

  private static let open = Breaker(digest: CheckCase.digest(CheckCase.old), isOpen: true)
}

extension CheckCase {
  /// The launch was begun by an earlier pass, and nothing of it is to be seen yet.
  fileprivate mutating func goOn() {
    launch()
    target.record = plan.record
  }

  /// A third version is launched beside the rollout of the second.
  fileprivate mutating func launchNext(besides split: [Generation: Int]) {
    var settings = TargetSettings()
    settings.version = "3.0.0"
    let next = settings.desired(Self.id, source: "main", commit: "c3")
    target.desired = .desired(next)
    readRoute { $0.route = Self.route(split) }
    plan.record?.stacks[3] = Self.remembered(next, .candidate, wasStable: false)
    plan.record?.nextGeneration = 4
    plan.actions = [.ensure(Self.order(next, 3))]
  }

  fileprivate mutating func crowd(_ count: Int) {
    for number in 1...count {
      let generation = Generation(100 + number)
      plan.record?.stacks[generation] = Self.remembered(Self.old, .warm, wasStable: true)
    }
  }
}
