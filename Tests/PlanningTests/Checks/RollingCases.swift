import Model
import Planning

/// Two stacks of two instances each, whose instances follow each other.
enum RollingCases {
  static let all: [RuleCase] = [
    RuleCase("S2", "all traffic to a stack of which half is routed to") { wrong in
      wrong.shift([1: 0, 2: 100]) { $0.backends[1].endpoints.removeLast() }
    } good: { right in
      right.roll(surge: 0, unavailable: 1)
      right.shift([1: 0, 2: 100]) { $0.backends[1].endpoints.removeLast() }
    },
    RuleCase("S2", "an instance ends that the share of its stack needs") { wrong in
      wrong.roll(surge: 1, unavailable: 0)
      wrong.park(1, to: 1)
    } good: { right in
      right.roll(surge: 1, unavailable: 0)
      right.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
      right.park(1, to: 1)
    },
    RuleCase("S2", "the one that is left may be the one that does not answer") { wrong in
      wrong.roll(surge: 1, unavailable: 0)
      wrong.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
      wrong.target.probes[1]?.healthy = 1
      wrong.park(1, to: 1)
    } good: { right in
      right.roll(surge: 1, unavailable: 0)
      right.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
      right.park(1, to: 1)
    },
    RuleCase("S19", "an instance of stable ends where instances do not follow each other") {
      wrong in
      wrong.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
      wrong.park(1, to: 1)
    } good: { right in
      right.roll(surge: 1, unavailable: 0)
      right.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
      right.park(1, to: 1)
    },
    RuleCase("S1", "a share for one of two instances where all must be proven") { wrong in
      wrong.oneOfTwo()
    } good: { right in
      right.oneOfTwo()
      right.roll(surge: 1, unavailable: 0)
    },
    RuleCase("S1", "requests for an instance that has not passed its gate") { wrong in
      wrong.roll(surge: 1, unavailable: 0)
      wrong.grow(proven: 1)
    } good: { right in
      right.roll(surge: 1, unavailable: 0)
      right.grow(proven: 2)
    },
    RuleCase("S20", "a promotion with an instance missing that may be so on the way") { wrong in
      wrong.promote(healthy: 1)
    } good: { right in
      right.promote(healthy: 2)
    },
  ]
}

extension CheckCase {
  /// The first instance of v002 has passed its gate.
  fileprivate mutating func roll(surge: Int, unavailable: Int) {
    record { $0.rollout = Self.machine(surge: surge, unavailable: unavailable) }
  }

  private static func machine(surge: Int, unavailable: Int) -> RolloutMachine {
    let bounds = RollingBounds(instances: 2, surge: surge, unavailable: unavailable)
    var machine = RolloutMachine(
      candidate: 2, from: 1, cause: .commit, strategy: .rolling,
      steps: bounds.steps(from: 2, bake: .seconds(10)), bounds: bounds)
    for event in [RolloutMachine.Event.launched, .gatePassed] { _ = machine.handle(event) }
    return machine
  }

  /// Its second instance is put behind the route, in which the first has half of the traffic.
  fileprivate mutating func grow(proven: Int) {
    target.probes[2] = ProbeReport(healthy: 2, proven: proven, age: .seconds(1))
    readRoute {
      $0.route = CheckCase.route([1: 50, 2: 50])
      $0.route.backends[1].endpoints.removeLast()
    }
    shift([1: 50, 2: 50])
  }

  fileprivate mutating func oneOfTwo() {
    record { $0.stacks[2]?.gatePassed = false }
    target.probes[2] = ProbeReport(healthy: 1, proven: 1, age: .seconds(1))
    shift([1: 50, 2: 50])
  }

  fileprivate mutating func promote(healthy: Int) {
    var machine = Self.machine(surge: 0, unavailable: 1)
    let events: [RolloutMachine.Event] = [
      .shifted(restarts: 0), .baked, .grown, .gatePassed, .shifted(restarts: 0),
      .served(.seconds(10)),
    ]
    for event in events { _ = machine.handle(event) }
    record { $0.rollout = machine }
    readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
    target.probes[2] = ProbeReport(healthy: healthy, proven: healthy, age: .seconds(1))
    becomeStable()
  }
}
