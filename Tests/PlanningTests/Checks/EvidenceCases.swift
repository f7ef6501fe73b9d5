import Model
import Planning

enum EvidenceCases {
  static let all: [RuleCase] = [
    RuleCase("S13", "acting while the platform is unknown") { wrong in
      wrong.target.stacks = .unknown(reason: "timed out")
    } good: { right in
      right.target.stacks = .unknown(reason: "timed out")
      right.plan.actions = []
    },
    RuleCase("S13", "writing a route that was not read") { wrong in
      wrong.target.route = .unknown(reason: "no socket")
    } good: { right in
      right.target.route = .unknown(reason: "no socket")
      right.plan.actions = []
    },
    RuleCase("S13", "shifting by an old read of the route") { wrong in
      wrong.target.routeAge = .seconds(11)
    } good: { right in
      right.target.routeAge = .seconds(10)
    },
    RuleCase("S13", "shifting by an old listing") { wrong in
      wrong.target.stacksAge = .seconds(11)
    } good: { right in
      right.target.stacksAge = .seconds(10)
    },
    RuleCase("S13", "parking while the route is unknown") { wrong in
      wrong.settle()
      wrong.target.route = .unknown(reason: "no socket")
      wrong.park(1)
    } good: { right in
      right.settle()
      right.stack(1) { $0.capacity.running = 1 }
      right.target.route = .unknown(reason: "no socket")
      right.park(1, to: 2)
    },
    RuleCase("S13", "parking before a listing must show what was asked for last") { wrong in
      wrong.settleLate(stacks: .seconds(5))
      wrong.target.record?.sinceStackAction = .seconds(3)
    } good: { right in
      right.settleLate(stacks: .seconds(5))
      // The second of this pass is the fifth.
      right.target.record?.sinceStackAction = .seconds(4)
    },
    RuleCase("S13", "starting alone before a listing must show what was asked for last") { wrong in
      wrong.startLate(exclusive: true)
    } good: { right in
      right.startLate(exclusive: false)
    },
    RuleCase("S13", "parking in the pass in which what was asked for has ended") { wrong in
      wrong.settleLate(stacks: .seconds(5))
      wrong.target.outcomes = [
        ActionOutcome(action: .retire(CheckCase.reference(3)), result: .done)
      ]
    } good: { right in
      right.settleLate(stacks: .seconds(5))
    },
    RuleCase("S13", "parking before a reading must show the last route write") { wrong in
      wrong.settleLate(route: .seconds(5))
      wrong.target.record?.route.sinceWrite = .seconds(3)
    } good: { right in
      right.settleLate(route: .seconds(5))
      right.target.record?.route.sinceWrite = .seconds(4)
    },
    RuleCase("S13", "parking by the first reading of a process, which may show things late") {
      wrong in
      wrong.settleLate(route: .seconds(5))
      wrong.target.record?.clock = nil
    } good: { right in
      right.settleLate()
      right.target.record?.clock = nil
    },
    RuleCase("S14", "acting in observe mode") { wrong in
      wrong.input.agent.mode = .observe
    } good: { right in
      right.input.agent.mode = .observe
      right.plan.actions = []
    },
    RuleCase("S14", "acting without the lease") { wrong in
      wrong.input.agent.holdsLease = false
    } good: { right in
      right.input.agent.holdsLease = false
      right.plan.actions = []
    },
    RuleCase("S16", "a clock that ran ahead") { wrong in
      wrong.after { $0.stacks[2]?.inRole = .seconds(62) }
    } good: { right in
      right.after { $0.stacks[2]?.inRole = .seconds(61) }
    },
    RuleCase("S16", "a clock that ran through a reboot") { wrong in
      wrong.input.now.bootID = "another"
      wrong.after { $0.stacks[2]?.inRole = .seconds(61) }
    } good: { right in
      right.input.now.bootID = "another"
    },
    RuleCase("S20", "a promotion before the bake has ended") { wrong in
      wrong.promote()
      wrong.record { $0.stacks[2]?.inRole = .seconds(8) }
    } good: { right in
      right.promote()
      // The second of this pass is the tenth.
      right.record { $0.stacks[2]?.inRole = .seconds(9) }
    },
    RuleCase("S20", "a promotion with half of the traffic") { wrong in
      wrong.promote()
      wrong.readRoute { $0.route = CheckCase.route([1: 50, 2: 50]) }
    } good: { right in
      right.promote()
    },
    RuleCase("S20", "a promotion without fresh probes") { wrong in
      wrong.promote()
      wrong.target.probes = [:]
    } good: { right in
      right.promote()
    },
    RuleCase("S20", "a promotion of what never passed its gate") { wrong in
      wrong.promote()
      wrong.record { $0.stacks[2]?.gatePassed = false }
    } good: { right in
      right.promote()
    },
    RuleCase("S24", "a shift after the ledger was lost") { wrong in
      wrong.record { $0.hold = lost }
    } good: { right in
      right.target.record?.hold = lost
    },
    RuleCase("S24", "a launch in the first pass after the ledger was lost") { wrong in
      wrong.launch()
      wrong.input.agent.isLedgerLost = true
      wrong.target.record = nil
    } good: { right in
      right.launch()
      right.input.agent.isLedgerLost = true
      right.target.record = nil
      right.target.stacks = .known([])
      right.target.route = .known(nil)
    },
    RuleCase("S24", "a launch while it is not judged yet what a lost ledger's world is") { wrong in
      wrong.launch()
      wrong.record { $0.isLossDue = true }
    } good: { right in
      right.launch()
    },
    RuleCase("S20", "an adoption of what serves, with a ledger that is not lost") { wrong in
      wrong.promote()
      wrong.target.probes = [:]
      wrong.after { $0.rollout = nil }
    } good: { right in
      right.promote()
      right.target.probes = [:]
      right.after { $0.rollout = nil }
      right.plan.actions = []
      right.input.agent.isLedgerLost = true
      right.after { $0.isLossJudged = true }
    },
    RuleCase("S24", "parking after the ledger was lost") { wrong in
      wrong.settle()
      wrong.record { $0.hold = lost }
      wrong.park(1)
    } good: { right in
      right.settle()
      right.record { $0.hold = lost }
      right.stack(2) { $0.capacity.running = 1 }
      right.park(2, to: 2)
    },
  ]

  private static let lost = Hold(reason: .ledgerLost, message: "the ledger was lost")
}

enum PrecedenceCases {
  static let all: [RuleCase] = [
    RuleCase("paused", "a launch while paused") { wrong in
      wrong.launch()
      wrong.record { $0.isPaused = true }
    } good: { right in
      right.relaunch(.repair)
      right.record { $0.isPaused = true }
    },
    RuleCase("paused", "weight for a new digest while the whole agent is paused") { wrong in
      wrong.memory.isPaused = true
    } good: { right in
      right.memory.isPaused = true
      right.record { $0.rollout = RolloutMachine(candidate: 2, from: 1, cause: .rollback) }
    },
    RuleCase("paused", "weight while paused, unlike for what a person adopts as stable") { wrong in
      wrong.record { $0.isPaused = true }
      wrong.record { ($0.stable, $0.rollout) = (nil, nil) }
      wrong.after { $0.stable = 2 }
    } good: { right in
      right.record { $0.isPaused = true }
      right.record { ($0.stable, $0.rollout) = (nil, nil) }
      right.after { $0.stable = 2 }
      right.input.requests = [
        OperatorRequest(
          sequence: 1, verb: .adopt(CheckCase.id), by: "alice", at: WallTime(milliseconds: 0))
      ]
    },
    RuleCase("paused", "a drift replacement while paused") { wrong in
      wrong.relaunch(.drift)
      wrong.record { $0.isPaused = true }
    } good: { right in
      right.relaunch(.drift)
    },
    RuleCase("paused", "a retirement while paused") { wrong in
      wrong.settle()
      wrong.record { $0.isPaused = true }
      wrong.retire(1)
    } good: { right in
      right.settle()
      right.retire(1)
    },
    RuleCase("freeze", "a launch inside a freeze window") { wrong in
      wrong.launch()
      wrong.target.freeze = "weekend"
    } good: { right in
      right.relaunch(.repair)
      right.target.freeze = "weekend"
    },
    RuleCase("freeze", "weight inside a freeze window") { wrong in
      wrong.target.freeze = "weekend"
    } good: { right in
      right.settle()
      right.target.freeze = "weekend"
      right.retire(1)
    },
    RuleCase("freeze", "weight for a new digest, unlike for what was stable") { wrong in
      wrong.target.freeze = "weekend"
    } good: { right in
      right.target.freeze = "weekend"
      right.record { $0.stacks[2]?.wasStable = true }
    },
    RuleCase("freeze", "a drift replacement inside a freeze window") { wrong in
      wrong.relaunch(.drift)
      wrong.target.freeze = "weekend"
    } good: { right in
      right.target.freeze = "weekend"
      right.record { $0.rollout = RolloutMachine(candidate: 2, from: 1, cause: .rollback) }
    },
    RuleCase("S18", "an abort that gives the candidate weight") { wrong in
      wrong.abort()
    } good: { right in
      right.abort()
      right.readRoute { $0.route = CheckCase.route([1: 0, 2: 100]) }
      right.shift([1: 100, 2: 0])
    },
    RuleCase("S18", "an abort without a rollout that stops stable") { wrong in
      wrong.abortStoppingStable()
    } good: { right in
      right.settle()
      right.abort()
      right.park(1)
    },
    RuleCase("S18", "a retry after an abort that stops stable although no downtime is declared") {
      wrong in
      wrong.retryStoppingStable(by: .blueGreen)
    } good: { right in
      right.retryStoppingStable(by: .recreate)
    },
    RuleCase("S18", "weight for what was aborted, whatever is tried again") { wrong in
      wrong.abort()
      wrong.retry()
    } good: { right in
      right.retry()
    },
    RuleCase("S18", "weight for an aborted digest") { wrong in
      wrong.record { $0.hold = aborted }
    } good: { right in
      right.target.record?.hold = aborted
    },
    RuleCase("S18", "weight for a digest that a person holds, not one whose name is taken") {
      wrong in
      wrong.record { $0.hold = aborted }
    } good: { right in
      right.record { record in
        record.hold = aborted
        record.hold?.reason = .nameTaken
      }
    },
    RuleCase("S18", "a launch of an aborted digest") { wrong in
      wrong.launch()
      wrong.record { $0.hold = aborted }
    } good: { right in
      right.launch()
      right.target.record?.hold = aborted
    },
  ]

  private static let aborted = Hold(
    reason: .aborted, message: "aborted by alice", digest: CheckCase.digest(CheckCase.new))
}

extension CheckCase {
  /// v002 is stable and has no traffic.
  fileprivate mutating func abortStoppingStable() {
    settle()
    abort()
    readRoute { $0.route = CheckCase.route([1: 100, 2: 0]) }
    park(2)
  }

  fileprivate mutating func retryStoppingStable(by strategy: RolloutPolicy.Strategy) {
    abortStoppingStable()
    retry()
    var spec = Self.new
    spec.rollout.strategy = strategy
    target.desired = .desired(spec)
    target.record?.rollout = RolloutMachine(candidate: 1, from: 2, cause: .commit)
    after { $0.rollout = RolloutMachine(candidate: 3, from: 2, cause: .commit, strategy: strategy) }
  }

  fileprivate mutating func retry() {
    input.requests.append(
      OperatorRequest(
        sequence: 2, verb: .retry(Self.id), by: "alice", at: WallTime(milliseconds: 0)))
  }

  mutating func abort() {
    input.requests = [
      OperatorRequest(
        sequence: 1, verb: .abort(Self.id), by: "alice", at: WallTime(milliseconds: 0))
    ]
  }
}

extension CheckCase {
  /// v002 has all traffic; the plan makes it stable.
  fileprivate mutating func promote() {
    readRoute { $0.route = Self.route([1: 0, 2: 100]) }
    becomeStable()
  }
}
