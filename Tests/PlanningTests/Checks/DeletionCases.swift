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
  fileprivate mutating func removed() {
    settle()
    target.desired = .removed(source: "main", commit: "c3", lastGood: Self.new)
    input.sources["main"]?.targetCount = 8
    memory.removals = [RemovalRecord(target: Self.id, source: "main", age: .zero)]
  }

  fileprivate mutating func removedBefore(_ application: ApplicationName) {
    let other = TargetID(application, "production")
    let record = RemovalRecord(target: other, source: "main", age: .seconds(3600))
    input.memory.removals = [record]
    memory.removals.append(record)
  }
}
