import Model
import Planning

enum TrafficCases {
  static let all: [RuleCase] = [
    RuleCase("S1", "weight before the gate") { wrong in
      wrong.record { $0.stacks[2]?.gatePassed = false }
      wrong.target.probes[2]?.proven = 1
    } good: { right in
      right.record { $0.stacks[2]?.gatePassed = false }
    },
    RuleCase("S1", "weight on an old pass") { wrong in
      wrong.target.probes[2]?.age = .seconds(5)
    } good: { right in
      right.target.probes[2]?.age = .seconds(4)
    },
    RuleCase("S1", "weight for a stack that is still launching") { wrong in
      wrong.stack(2) { $0.phase = .launching("unpacking") }
    } good: { right in
      right.stack(1) { $0.phase = .stuck(reason: "a file is held open") }
    },
    RuleCase("S1", "weight for a stack that does not answer") { wrong in
      wrong.target.probes = [:]
    } good: { right in
      right.target.probes[1] = nil
    },
    RuleCase("S17", "weights that do not sum to 100") { wrong in
      wrong.shift([1: 0, 2: 99])
    } good: { right in
      right.shift([1: 1, 2: 99])
    },
    RuleCase("S17", "a negative weight") { wrong in
      wrong.shift([1: -1, 2: 101])
    } good: { _ in
    },
    RuleCase("S17", "a serving stack left out in place of a zero") { wrong in
      wrong.shift([2: 100])
    } good: { right in
      right.readRoute { $0.route = CheckCase.route([2: 100]) }
      right.shift([2: 100])
    },
    RuleCase("S17", "a fallback that is no backend") { wrong in
      wrong.shift([1: 0, 2: 100]) { $0.fallback = 3 }
    } good: { right in
      right.shift([1: 0, 2: 100]) { $0.fallback = 1 }
    },
    RuleCase("S17", "another launch's token") { wrong in
      wrong.shift([1: 0, 2: 100]) { $0.backends[1].launch = "somebody else" }
    } good: { _ in
    },
    RuleCase("S1", "chosen requests for what has no share") { wrong in
      wrong.shift([1: 0, 2: 100]) { $0.chosen = CheckCase.chosen(1) }
    } good: { right in
      right.shift([1: 50, 2: 50]) { $0.chosen = CheckCase.chosen(2) }
    },
    RuleCase("S1", "users who stay with what has no share") { wrong in
      wrong.shift([1: 0, 2: 100]) {
        $0.sticky = StickyTraffic(cookie: "stack", generation: 1, maxAge: .seconds(60))
      }
    } good: { right in
      right.shift([1: 50, 2: 50]) {
        $0.sticky = StickyTraffic(cookie: "stack", generation: 2, maxAge: .seconds(60))
      }
    },
    RuleCase("S17", "a preview of what is no backend") { wrong in
      wrong.shift([1: 0, 2: 100]) { $0.preview = 3 }
    } good: { right in
      right.shift([1: 0, 2: 100]) { $0.preview = 1 }
    },
    RuleCase("S17", "endpoints that nobody observed") { wrong in
      wrong.shift([1: 0, 2: 100]) {
        $0.backends[1].endpoints = [Endpoint(instance: 0, host: "10.0.0.1", port: 80)]
      }
    } good: { right in
      right.shift([1: 0, 2: 100]) { $0.backends[0].endpoints.removeLast() }
    },
    RuleCase("S17", "a route under a name that it does not have") { wrong in
      wrong.target.formerly = [CheckCase.before]
      wrong.shift([1: 0, 2: 100]) { $0.target = CheckCase.before }
    } good: { right in
      right.target.formerly = [CheckCase.before]
      right.readRoute { $0.route.target = CheckCase.before }
      right.shift([1: 0, 2: 100]) { $0.target = CheckCase.before }
    },
    RuleCase("S17", "two route writes") { wrong in
      wrong.plan.actions += wrong.plan.actions
    } good: { _ in
    },
    RuleCase("S17", "a write that expects what nobody read") { wrong in
      wrong.readRoute { $0.revision = "r2" }
    } good: { _ in
    },
    RuleCase("quarantine", "weight for a quarantined stack") { wrong in
      wrong.record { $0.stacks[2]?.role = .quarantined }
    } good: { right in
      right.record { $0.stacks[1]?.role = .quarantined }
    },
    RuleCase("quarantine", "weight for a quarantined digest") { wrong in
      wrong.record { $0.quarantined[CheckCase.digest(CheckCase.new)] = quarantine }
    } good: { right in
      right.record {
        $0.quarantined[CheckCase.digest(CheckCase.new)] = quarantine
        $0.stacks[2]?.wasStable = true
      }
    },
    RuleCase("quarantine", "a launch of a quarantined digest") { wrong in
      wrong.launch()
      wrong.record { $0.quarantined[CheckCase.digest(CheckCase.new)] = quarantine }
    } good: { right in
      right.launch()
      right.record { $0.quarantined[CheckCase.digest(CheckCase.old)] = quarantine }
    },
  ]

  private static let quarantine = Quarantine(
    generation: 2, declaredDigest: CheckCase.new.declaredDigest, reason: "crash loop",
    at: WallTime(milliseconds: 0))
}

enum CapacityCases {
  static let all: [RuleCase] = [
    RuleCase("S2", "a shift to half the capacity") { wrong in
      wrong.target.probes[2]?.healthy = 1
    } good: { right in
      right.target.probes[2]?.healthy = 1
      right.target.probes[1]?.healthy = 1
    },
    RuleCase("S2", "stopping what serves") { wrong in
      wrong.settle()
      wrong.park(2, to: 1)
    } good: { right in
      right.settle()
      right.park(1)
    },
    RuleCase("S2", "stopping what serves where the strategy is not to") { wrong in
      wrong.settle()
      wrong.park(2)
    } good: { right in
      right.settle()
      var spec = CheckCase.new
      spec.rollout.strategy = .recreate
      right.target.desired = .desired(spec)
      right.park(2)
    },
    RuleCase("S2", "a worker that is trusted stopped while the other is ill") { wrong in
      wrong.workerBesideAnIllOne()
    } good: { right in
      right.worker()
      right.target.probes[1]?.healthy = 1
      right.park(2)
    },
    RuleCase("S2", "a worker stopped before the next has taken over") { wrong in
      wrong.workerBesideAnIllOne()
    } good: { right in
      right.worker()
      right.park(1)
    },
    RuleCase("S3", "more instances than were declared") { wrong in
      wrong.park(2, to: 3)
    } good: { right in
      right.park(2, to: 2)
    },
    RuleCase("S19", "parking the old stack before the bake ends") { wrong in
      wrong.readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
      wrong.park(1)
    } good: { right in
      right.settle()
      right.park(1)
    },
    RuleCase("S19", "retiring the old stack before the bake ends") { wrong in
      wrong.readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("exclusive", "starting beside one that runs") { wrong in
      wrong.exclusive()
      wrong.park(2, to: 2)
    } good: { right in
      right.exclusive()
      right.stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
      right.park(2, to: 2)
    },
    RuleCase("exclusive", "starting by an old listing") { wrong in
      wrong.exclusive()
      wrong.target.stacksAge = .seconds(11)
      wrong.stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
      wrong.park(2, to: 2)
    } good: { right in
      right.exclusive()
      right.target.stacksAge = .seconds(10)
      right.stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
      right.park(2, to: 2)
    },
    RuleCase("exclusive", "starting while another start is under way") { wrong in
      wrong.exclusive()
      wrong.stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
      wrong.target.inFlight = [.setInstances(CheckCase.reference(1), count: 2)]
      wrong.park(2, to: 2)
    } good: { right in
      right.exclusive()
      right.stack(1) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
      right.target.inFlight = [.setInstances(CheckCase.reference(1), count: 0)]
      right.park(2, to: 2)
    },
  ]
}

extension CheckCase {
  fileprivate mutating func worker() {
    var spec = Self.new
    spec.traffic.mode = .none
    spec.route = nil
    target.desired = .desired(spec)
    target.route = .known(nil)
  }

  /// v001 is stopped.
  fileprivate mutating func workerBesideAnIllOne() {
    worker()
    target.probes[2]?.healthy = 1
    park(1)
  }

  fileprivate mutating func exclusive() {
    worker()
    var spec = Self.new
    spec.traffic.mode = .none
    spec.traffic.exclusive = true
    target.desired = .desired(spec)
    stack(2) { $0.capacity = Capacity(declared: 2, intended: 0, running: 0) }
  }
}

extension CheckCase {
  fileprivate static func chosen(_ generation: Generation) -> ChosenRequests {
    ChosenRequests(generation: generation, rules: [RequestRule(.header, "x-user", is: "alice")])
  }
}
