import Model

/// A history that is written down, not drawn: what people do with the product, one thing at a time.
package struct Story: Sendable {
  package var name: String
  package var schedule: Schedule

  /// No fault but deaths: what happens is all there is.
  private init(
    _ name: String, _ events: [(Moment, Happening.Event, Int)],
    _ change: (inout Setup) -> Void = { _ in }
  ) {
    self.name = name
    var declaration = Declaration(target: Setup.names[0])
    declaration.bakeMilliseconds = 1500
    declaration.drainMilliseconds = 500
    declaration.warmMilliseconds = 3000
    declaration.deadlineMilliseconds = 4000
    var setup = Setup(targets: [declaration])
    (setup.launchMilliseconds, setup.startMilliseconds) = (400, 200)
    change(&setup)
    let happenings = events.map { Happening(at: $0.0, event: $0.1, target: 0, draw: $0.2) }
    let length = (events.map(\.0).max() ?? 0) + 5000
    schedule = Schedule(seed: 1, setup: setup, happenings: happenings, length: length)
  }

  /// Sets of points at which the process dies: each alone, and of the pairs every so many. The second
  /// death of a pair may come while the agent recovers from the first.
  package func deaths(pairsEvery share: Int) -> [Set<Int>] {
    let unharmed = Simulation(schedule)
    _ = unharmed.run()
    let points = max(1, unharmed.pointsOfSafety)
    let singles = (1...points).map { Set([$0]) }
    guard share > 0 else { return singles }
    let pairs = (1...points).flatMap { first in (first + 1..<points + 12).map { Set([first, $0]) } }
    return singles + pairs.enumerated().filter { $0.offset % share == 0 }.map(\.element)
  }

  private static func recreate(_ setup: inout Setup) { setup.targets[0].strategy = .recreate }

  /// Two steps before the last; its traffic is judged.
  private static func canary(_ setup: inout Setup) {
    setup.targets[0].strategy = .canary
    setup.targets[0].steps = [20, 60]
    setup.targets[0].bakeMilliseconds = 1000
    setup.targets[0].isJudged = true
    setup.requestsPerSecond = 2000
  }

  /// Reached and tested before it has traffic.
  private static func tested(_ setup: inout Setup) {
    setup.targets[0].isPreviewed = true
    setup.targets[0].isTested = true
  }

  private static func testedCanary(_ setup: inout Setup) {
    canary(&setup)
    tested(&setup)
  }

  private static func worked(_ setup: inout Setup) {
    setup.targets[0].hasJobs = true
    setup.jobMilliseconds = 1200
  }

  private static func irreversible(_ setup: inout Setup) { setup.targets[0].isIrreversible = true }

  private static func approved(_ setup: inout Setup) {
    canary(&setup)
    setup.targets[0].approvalMilliseconds = 6000
  }

  /// One instance after the other.
  private static func rolling(_ setup: inout Setup) {
    setup.targets[0].strategy = .rolling
    setup.targets[0].instances = 3
    setup.targets[0].bakeMilliseconds = 1000
  }

  /// No more instances than are declared.
  private static func rollingInPlace(_ setup: inout Setup) {
    rolling(&setup)
    (setup.targets[0].surge, setup.targets[0].unavailable) = (0, 1)
  }

  private static func queue(_ setup: inout Setup) { setup.targets[0].onNewCommit = .queue }

  private static func worker(_ setup: inout Setup) {
    setup.targets[0].target = Setup.names[2]
    setup.targets[0].mode = .none
  }

  private static func exclusive(_ setup: inout Setup) {
    worker(&setup)
    setup.targets[0].exclusive = true
  }

  private static func coalesce(_ setup: inout Setup) { setup.targets[0].onNewCommit = .coalesce }

  private static func two(_ setup: inout Setup) {
    setup.targets.append(Declaration(target: Setup.names[1]))
  }

  /// Two that are released together, the second for longer and after the first.
  private static func group(_ setup: inout Setup) {
    two(&setup)
    for index in setup.targets.indices {
      setup.targets[index].group = "shop"
      setup.targets[index].bakeMilliseconds = 1000 + 1500 * index
      setup.targets[index].deadlineMilliseconds = 4000
      setup.targets[index].warmMilliseconds = 3000
    }
    setup.targets[1].dependsOn = [setup.targets[0].target]
  }

  private static func slow(_ setup: inout Setup) { setup.propagationMilliseconds = 1500 }

  /// When the first version is stable in every story.
  private static let first = 6000

  package static let all: [Story] = [
    Story("first launch", []),
    Story("first launch of a worker", [], worker),
    Story("bump", [(first, .bump, 1)]),
    Story("bump by canary", [(first, .bump, 1)], canary),
    Story("bump by canary behind a slow router", [(first, .bump, 1)]) {
      canary(&$0)
      slow(&$0)
    },
    Story("a canary that errs", [(first, .badVersion, 6)], canary),
    Story("a canary that dies", [(first, .badVersion, 3)], canary),
    Story(
      "a canary that is approved", [(first, .bump, 1), (first + 4500, .approveStep, 0)], approved),
    Story("a canary that nobody approves", [(first, .bump, 1)]) {
      approved(&$0)
      $0.targets[0].approvalMilliseconds = 1500
    },
    Story("a canary that is advanced", [(first, .bump, 1), (first + 3500, .advance, 1)], canary),
    Story("a canary that is superseded", [(first, .bump, 1), (first + 3500, .bump, 2)], canary),
    Story("a canary that is reverted", [(first, .bump, 1), (first + 3500, .revert, 0)], canary),
    Story("a canary that is aborted", [(first, .bump, 1), (first + 3500, .abort, 0)], canary),
    Story(
      "a canary whose stable is deleted", [(first, .bump, 1), (first + 3500, .deleteStack, 1)],
      canary),
    Story(
      "a canary paused and resumed",
      [
        (first, .bump, 1), (first + 3000, .pause, 1), (first + 5000, .resume, 1),
      ], canary),
    Story("bump by rolling", [(first, .bump, 1)], rolling),
    Story("bump by rolling in place", [(first, .bump, 1)], rollingInPlace),
    Story("bump by rolling behind a slow router", [(first, .bump, 1)]) {
      rolling(&$0)
      slow(&$0)
    },
    Story("a rolling version that dies", [(first, .badVersion, 3)], rolling),
    Story(
      "a rolling version that is superseded", [(first, .bump, 1), (first + 4500, .bump, 2)], rolling
    ),
    Story(
      "a rolling version that is reverted", [(first, .bump, 1), (first + 4500, .revert, 0)],
      rollingInPlace),
    Story(
      "a rolling version that is aborted", [(first, .bump, 1), (first + 4500, .abort, 0)], rolling),
    Story(
      "a rolling version whose stable is deleted",
      [(first, .bump, 1), (first + 4500, .deleteStack, 1)],
      rolling),
    Story(
      "a rolling version that is reverted when it serves",
      [(first, .bump, 1), (first + 12_000, .revert, 0)], rolling),
    Story("bump that is tested", [(first, .bump, 1)], tested),
    Story("a version that fails its tests", [(first, .badVersion, 7)], tested),
    Story("a canary that is tested", [(first, .bump, 1)], testedCanary),
    Story("a canary that fails its tests in a step", [(first, .badVersion, 8)], testedCanary),
    Story("bump by rolling that is tested", [(first, .bump, 1)]) {
      rolling(&$0)
      tested(&$0)
    },
    Story("bump with jobs", [(first, .bump, 1)], worked),
    Story("a version whose job fails", [(first, .badVersion, 7)], worked),
    Story(
      "a version whose job fails is tried again",
      [(first, .badVersion, 7), (first + 3500, .retry, 0)], worked),
    Story(
      "a job while its version is reverted", [(first, .bump, 1), (first + 900, .revert, 0)], worked),
    Story(
      "a job while its version is superseded", [(first, .bump, 1), (first + 900, .bump, 2)], worked),
    Story(
      "a job while its version is deleted", [(first, .bump, 1), (first + 900, .deleteStack, 1)],
      worked),
    Story(
      "a job while the host is restarted", [(first, .bump, 1), (first + 900, .reboot, 0)], worked),
    Story("a job by recreate", [(first, .bump, 1)]) {
      worked(&$0)
      recreate(&$0)
    },
    Story("a job of a worker", [(first, .bump, 1)]) {
      worked(&$0)
      worker(&$0)
    },
    Story("a job by rolling", [(first, .bump, 1)]) {
      worked(&$0)
      rolling(&$0)
    },
    Story("drift of what had jobs", [(first, .drift, 1)], worked),
    Story(
      "a lost ledger of what had jobs", [(first, .ledgerLost, 0), (first + 500, .drift, 1)], worked),
    Story("a canary tested by commands too", [(first, .bump, 1)]) {
      worked(&$0)
      testedCanary(&$0)
    },
    Story("an irreversible version that dies", [(first, .badVersion, 3)], irreversible),
    Story(
      "an irreversible version that is aborted", [(first, .bump, 1), (first + 3000, .abort, 0)],
      irreversible),
    Story(
      "an irreversible version that dies and is mended",
      [(first, .badVersion, 3), (first + 9000, .bump, 5)], irreversible),
    Story("an irreversible canary that errs", [(first, .badVersion, 6)]) {
      canary(&$0)
      irreversible(&$0)
    },
    Story(
      "an irreversible version that is deleted",
      [(first, .bump, 1), (first + 2500, .deleteStack, 1)], irreversible),
    Story("queue", [(first, .bump, 1), (first + 900, .bump, 2), (first + 1200, .bump, 3)], queue),
    Story("bump by recreate", [(first, .bump, 1)], recreate),
    Story("bump of a worker", [(first, .bump, 1)], worker),
    Story("bump of an exclusive worker", [(first, .bump, 1)], exclusive),
    Story("bump behind a slow router", [(first, .bump, 1)], slow),
    Story("bump with a secret", [(first, .bump, 1)]) { $0.targets[0].hasSecret = true },
    Story("bump launched only when asked", [(first, .bump, 1)]) { $0.launchesOnlyWhenAsked = true },
    Story("two bumps", [(first, .bump, 1), (first + 6000, .bump, 2)]),
    Story("revert to a warm stack", [(first, .bump, 1), (first + 5000, .revert, 0)]),
    Story("revert in the bake", [(first, .bump, 1), (first + 2200, .revert, 0)]),
    Story("revert by recreate", [(first, .bump, 1), (first + 6000, .revert, 0)], recreate),
    Story("a version that never answers", [(first, .badVersion, 1)]),
    Story("a version that crashes", [(first, .badVersion, 2)]),
    Story("a version that dies in its bake", [(first, .badVersion, 3)]),
    Story("a version whose launch fails", [(first, .badVersion, 4)]),
    Story("a version that the platform fails", [(first, .badVersion, 5)]),
    Story("supersede at the gate", [(first, .bump, 1), (first + 900, .bump, 2)]),
    Story("supersede in the bake", [(first, .bump, 1), (first + 2200, .bump, 2)]),
    Story("coalesce", [(first, .bump, 1), (first + 900, .bump, 2)], coalesce),
    Story("a burst of commits", [(first, .burst, 120)]),
    Story("resize", [(first, .resize, 2)]),
    Story("removal", [(first, .remove, 0)], two),
    Story("removal and return", [(first, .remove, 0), (first + 1500, .restore, 0)], two),
    Story("removal beside a wrong document", [(first, .removeWhileBroken, 0)]) {
      two(&$0)
      $0.targets.append(Declaration(target: Setup.names[2]))
    },
    Story("drift", [(first, .drift, 1)]),
    Story("drift of a worker", [(first, .drift, 1)], worker),
    Story("a stack that is deleted", [(first, .deleteStack, 0)]),
    Story("a keeper that dies", [(first, .loseKeeper, 0)]),
    Story("a route changed by hand", [(first, .bump, 1), (first + 5000, .routeByHand, 0)]),
    Story("a route that is lost", [(first, .routeLost, 0)]),
    Story("abort", [(first, .bump, 1), (first + 1800, .abort, 0)]),
    Story(
      "pause and resume", [(first, .pause, 1), (first + 500, .bump, 1), (first + 3000, .resume, 1)]),
    Story("force-push", [(first, .bump, 1), (first + 5000, .forcePush, 1)]),
    Story("a wrong document", [(first, .breakDocument, 1)]),
    Story("a wrong document of one of two", [(first, .breakDocument, 1)], two),
    Story("an empty tree", [(first, .emptyTree, 0)]),
    Story("reboot in a rollout", [(first, .bump, 1), (first + 1500, .reboot, 0)]),
    Story("a lost ledger", [(first, .ledgerLost, 0)]),
    Story(
      "a lost ledger while another version is launched",
      [
        (first, .bump, 1), (first + 600, .ledgerLost, 0),
      ]),
    Story(
      "a ledger of before the last version",
      [(first, .bump, 1), (first + 7000, .ledgerRestored, 1), (first + 10_000, .bump, 2)]),
    Story(
      "a ledger of before the bake of a canary",
      [(first, .bump, 1), (first + 4500, .ledgerRestored, 1)], canary),
    Story(
      "a lost ledger with a share", [(first, .bump, 1), (first + 3500, .ledgerLost, 0)], canary),
    Story(
      "dies while it is taken back",
      [
        (first, .bump, 1), (first + 3400, .abort, 0), (first + 3400, .killAtNextEffect, 0),
      ], canary),
    Story("a lost ledger in the bake", [(first, .bump, 1), (first + 2200, .ledgerLost, 0)]),
    // With 16 a commit is of all of the group.
    Story("a release", [(first, .bump, 17)], group),
    Story("a release of which one never answers", [(first, .badVersion, 22)], group),
    Story("a release of which one dies in its bake", [(first, .badVersion, 17)], group),
    Story("a release of which the platform fails one", [(first, .badVersion, 19)], group),
    Story("a release that is aborted", [(first, .bump, 17), (first + 4500, .abort, 0)], group),
    Story(
      "a release that is tried again",
      [(first, .bump, 17), (first + 4500, .abort, 0), (first + 9000, .retry, 0)], group),
    Story(
      "a release that is superseded", [(first, .bump, 17), (first + 3500, .bump, 18)], group),
    Story(
      "a foreign object with the next name", [(first, .foreignName, 0), (first + 500, .bump, 1)]),
  ]
}
