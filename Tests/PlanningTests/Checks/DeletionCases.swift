import Model
import Planning

enum DeletionCases {
  static let all: [RuleCase] = [
    RuleCase("S4", "retiring under traffic") { wrong in
      wrong.settle()
      wrong.readRoute { $0.route = CheckCase.route([1: 1, 2: 99]) }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S4", "retiring what nobody knows the weight of") { wrong in
      wrong.settle()
      wrong.target.route = .unknown(reason: "no socket")
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S4", "retiring with sessions inside the drain") { wrong in
      wrong.draining(for: .seconds(4))
    } good: { right in
      right.draining(for: .seconds(5))
    },
    RuleCase("S4", "retiring with sessions that may end by themselves") { wrong in
      wrong.draining(for: .seconds(500))
      var spec = CheckCase.new
      spec.traffic.afterDrain = .wait
      wrong.target.desired = .desired(spec)
    } good: { right in
      right.draining(for: .seconds(500))
    },
    RuleCase("S4", "retiring by a read older than the last write") { wrong in
      wrong.settle()
      wrong.target.outcomes = [
        ActionOutcome(
          action: .route(CheckCase.route([1: 100, 2: 0]), ifRevision: "r1"), result: .done)
      ]
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.target.outcomes = [
        ActionOutcome(
          action: .route(CheckCase.route([1: 0, 2: 100]), ifRevision: "r1"), result: .done)
      ]
      right.retire(1)
    },
    RuleCase("S4", "retiring while a route write is under way") { wrong in
      wrong.settle()
      wrong.target.inFlight = [.route(CheckCase.route([1: 100, 2: 0]), ifRevision: "r1")]
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S4", "retiring stable") { wrong in
      wrong.settle()
      wrong.readRoute { $0.route = CheckCase.route([1: 100, 2: 0]) }
      wrong.retire(2)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S4", "retiring the last good stack") { wrong in
      wrong.settle()
      wrong.stack(2) { $0.phase = .failed(.stack, reason: "crash loop") }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S4", "retiring the fallback") { wrong in
      wrong.settle()
      wrong.readRoute { $0.route.fallback = 1 }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.readRoute { $0.route.fallback = 2 }
      right.retire(1)
    },
    RuleCase("S4", "removing a route that carries traffic") { wrong in
      wrong.removed()
      wrong.plan.actions = [.removeRoute(CheckCase.id, ifRevision: "r1")]
    } good: { right in
      right.removed()
      right.readRoute { $0.route = CheckCase.route([2: 0]) }
      right.plan.actions = [.removeRoute(CheckCase.id, ifRevision: "r1")]
    },
    RuleCase("S17", "removing a route of another name") { wrong in
      wrong.removed()
      wrong.readRoute { $0.route = CheckCase.route([2: 0]) }
      wrong.plan.actions = [.removeRoute(CheckCase.before, ifRevision: "r1")]
    } good: { right in
      right.removed()
      right.readRoute {
        $0.route = CheckCase.route([2: 0])
        $0.route.target = CheckCase.before
      }
      right.plan.actions = [.removeRoute(CheckCase.before, ifRevision: "r1")]
    },
    RuleCase("S5", "retiring another launch") { wrong in
      wrong.settle()
      wrong.plan.actions = [.retire(StackReference(generation: 1, launch: "another"))]
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S9", "retiring an unclaimed stack") { wrong in
      wrong.settle()
      wrong.record { $0.stacks[1] = nil }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("S9", "launching under the name of a foreign object") { wrong in
      wrong.launch()
      wrong.foreign(2)
    } good: { right in
      right.launch()
      right.foreign(3)
    },
    RuleCase("S9", "weight for an unclaimed stack") { wrong in
      wrong.record { $0.stacks[2] = nil }
    } good: { _ in
    },
  ]
}

enum RemovalCases {
  static let all: [RuleCase] = [
    RuleCase("S10", "closing the route of a declared target") { wrong in
      wrong.settle()
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.shift([1: 0, 2: 0])
    },
    RuleCase("S10", "removal by an incomplete commit") { wrong in
      wrong.removed()
      wrong.input.sources["main"]?.isComplete = false
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.shift([1: 0, 2: 0])
    },
    RuleCase("S10", "removal by the empty commit") { wrong in
      wrong.removed()
      wrong.input.sources["main"]?.targetCount = 0
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.shift([1: 0, 2: 0])
    },
    RuleCase("S10", "removal while the source is unreachable") { wrong in
      wrong.removed()
      wrong.input.sources["main"]?.health = .unreachable(reason: "timed out")
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.shift([1: 0, 2: 0])
    },
    RuleCase("S10", "a removal beyond the source's cap") { wrong in
      wrong.removed()
      wrong.removedBefore("api")
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.removedBefore("api")
      right.memory.approvedRemovals = ["c3"]
      right.shift([1: 0, 2: 0])
    },
    RuleCase("S10", "parking what serves before the removal is counted") { wrong in
      wrong.removed()
      wrong.memory.removals = []
      wrong.park(2)
    } good: { right in
      right.removed()
      right.memory.removals = []
      right.park(1)
    },
    RuleCase("S10", "parking a worker under a held removal before its repair is there") { wrong in
      wrong.repairedWorker()
      wrong.target.probes[2]?.healthy = 1
    } good: { right in
      right.repairedWorker()
    },
    RuleCase("S10", "parking a worker under a held removal for anything but its repair") { wrong in
      wrong.repairedWorker(.commit)
    } good: { right in
      right.repairedWorker()
    },
    RuleCase("S2", "stopping instances under a held removal") { wrong in
      wrong.removed(isAllowed: false)
      wrong.park(2, to: 1)
    } good: { right in
      right.removed()
      right.park(2, to: 1)
    },
    RuleCase("S19", "parking what a rollback needs, under a held removal") { wrong in
      wrong.removed(isAllowed: false)
      wrong.record { $0.rollout = RolloutMachine(candidate: 1, from: 2, cause: .commit) }
      wrong.park(2, to: 1)
    } good: { right in
      right.removed()
      right.record { $0.rollout = RolloutMachine(candidate: 1, from: 2, cause: .commit) }
      right.park(2, to: 1)
    },
    RuleCase("S4", "retiring the last good stack under a held removal") { wrong in
      wrong.removed(isAllowed: false)
      wrong.stack(2) { $0.phase = .failed(.stack, reason: "crash loop") }
      wrong.retire(1)
    } good: { right in
      right.removed()
      right.stack(2) { $0.phase = .failed(.stack, reason: "crash loop") }
      right.retire(1)
    },
    RuleCase("S4", "retiring the fallback under a held removal") { wrong in
      wrong.removed(isAllowed: false)
      wrong.readRoute { $0.route.fallback = 1 }
      wrong.retire(1)
    } good: { right in
      right.removed()
      right.readRoute { $0.route.fallback = 1 }
      right.retire(1)
    },
    RuleCase("S4", "removing the route under a held removal") { wrong in
      wrong.removed(isAllowed: false)
      wrong.readRoute { $0.route = CheckCase.route([2: 0]) }
      wrong.plan.actions = [.removeRoute(CheckCase.id, ifRevision: "r1")]
    } good: { right in
      right.removed()
      right.readRoute { $0.route = CheckCase.route([2: 0]) }
      right.plan.actions = [.removeRoute(CheckCase.id, ifRevision: "r1")]
    },
    RuleCase("S18", "an abort that takes weight from stable, whose removal is held") { wrong in
      wrong.abortedRemoval(isAllowed: false)
    } good: { right in
      right.abortedRemoval(isAllowed: true)
    },
    RuleCase("S18", "an abort and a removal that give the candidate weight") { wrong in
      wrong.abortedRemoval(isAllowed: true)
      wrong.shift([1: 20, 2: 0])
    } good: { right in
      right.abortedRemoval(isAllowed: true)
    },
    RuleCase("S10", "a removal that is not counted") { wrong in
      wrong.removed()
      wrong.memory.removals = []
      wrong.shift([1: 0, 2: 0])
    } good: { right in
      right.removed()
      right.shift([1: 0, 2: 0])
    },
  ]
}

extension CheckCase {
  fileprivate mutating func draining(for time: Duration) {
    settle()
    record {
      $0.stacks[1]?.role = .draining
      $0.stacks[1]?.inRole = time
    }
    readRoute { $0.sessions = [1: 1] }
    retire(1)
  }

  fileprivate mutating func foreign(_ generation: Generation) {
    let name = StackID(Self.id, generation).name()
    target.foreign = [ForeignObject(identity: "pid 1", name: name, reason: "no certificate")]
  }

  /// c3 took the target away; nine others are there.
  fileprivate mutating func removed(isAllowed: Bool = true) {
    settle()
    target.desired = .removed(source: "main", commit: "c3", lastGood: Self.new)
    input.sources["main"]?.targetCount = 8
    memory.removals = [RemovalRecord(target: Self.id, source: "main", age: .zero)]
    after { $0.removal = Removal(source: "main", commit: "c3", isAllowed: isAllowed) }
  }

  /// v001 was to follow v002, and no more; the plan closes the route.
  fileprivate mutating func abortedRemoval(isAllowed: Bool) {
    removed(isAllowed: isAllowed)
    abort()
    record { $0.rollout = RolloutMachine(candidate: 1, from: 2, cause: .commit) }
    after { $0.rollout = nil }
    shift([1: 0, 2: 0])
  }

  /// Its removal is held, v001 is ill, and v002 takes its place.
  fileprivate mutating func repairedWorker(_ cause: RolloutMachine.Cause = .repair) {
    var spec = Self.new
    spec.traffic.mode = .none
    spec.route = nil
    target.desired = .removed(source: "main", commit: "c3", lastGood: spec)
    target.route = .known(nil)
    target.probes[1]?.healthy = 0
    record { $0.rollout = RolloutMachine(candidate: 2, from: 1, cause: cause) }
    park(1)
  }

  fileprivate mutating func removedBefore(_ application: ApplicationName) {
    let other = TargetID(application, "production")
    let record = RemovalRecord(target: other, source: "main", age: .seconds(3600))
    input.memory.removals = [record]
    memory.removals.append(record)
  }
}
