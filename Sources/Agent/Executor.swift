package import LedgerKit
package import Logging
package import Model
package import Planning
package import PlatformKit

/// One target's actions of one plan, with what the pass had seen when it decided them.
package struct Assignment: Sendable {
  package var target: TargetID
  package var actions: [Action]
  package var platform: PlatformName
  /// Certificates of the target's stacks as observed.
  package var certificates: [Generation: BirthCertificate]
  /// The ledger's sequence number when the intents were written.
  package var sequence: Int
  package var pass: Int
  package init(
    target: TargetID, actions: [Action], platform: PlatformName,
    certificates: [Generation: BirthCertificate], sequence: Int, pass: Int
  ) {
    self.target = target
    self.actions = actions
    self.platform = platform
    self.certificates = certificates
    self.sequence = sequence
    self.pass = pass
  }
}

/// Performs what was decided: a mailbox per target, one action in flight, no decisions.
///
/// What an action's caller was told is only an outcome; what really happened is seen by the next
/// observation.
package actor Executor {
  private let places: [PlatformName: Place]
  private let assembly: LaunchAssembly
  private let ledger: any Ledger
  private let lease: (any WriterLease)?
  private let nudge: Nudge
  private let log: Logger
  private let clock: AgentClock
  private var running: [TargetID: [Action]] = [:]
  private var ended: [TargetID: [ActionOutcome]] = [:]
  /// The last outcome written of each target, so that "still waiting" is not written every second.
  private var written: [TargetID: [ActionOutcome]] = [:]

  /// One platform with the router that serves it.
  package struct Place: Sendable {
    package var platform: any Platform
    package var router: any TrafficRouter
    /// What counts the requests that go through the router; nil: nothing does.
    package var counter: (any RequestCounter)?
    /// What runs health checks that are commands; nil: nothing does.
    package var checks: (any CheckReader)?
    package init(
      platform: any Platform, router: any TrafficRouter, counter: (any RequestCounter)? = nil,
      checks: (any CheckReader)? = nil
    ) {
      self.checks = checks
      self.platform = platform
      self.router = router
      self.counter = counter
    }
  }

  package init(
    places: [PlatformName: Place], assembly: LaunchAssembly, ledger: any Ledger,
    lease: (any WriterLease)?, nudge: Nudge, log: Logger, clock: AgentClock = .host
  ) {
    self.places = places
    self.assembly = assembly
    self.ledger = ledger
    self.lease = lease
    self.nudge = nudge
    self.log = log
    self.clock = clock
  }

  /// Actions that have begun and not ended.
  package var inFlight: [TargetID: [Action]] { running }

  /// What ended since the last call.
  package func takeOutcomes() -> [TargetID: [ActionOutcome]] {
    defer { ended = [:] }
    return ended
  }

  /// Begins the assignments and returns at once; a target with an action in flight gets no second.
  package func begin(_ assignments: [Assignment]) {
    for assignment in assignments where running[assignment.target] == nil {
      running[assignment.target] = assignment.actions
      Task { await self.perform(assignment) }
    }
  }

  /// Waits until nothing is in flight.
  package func drain() async {
    while !running.isEmpty {
      await withCheckedContinuation { drained.append($0) }
    }
  }

  private var drained: [CheckedContinuation<Void, Never>] = []

  private func perform(_ assignment: Assignment) async {
    var outcomes: [ActionOutcome] = []
    for action in assignment.actions {
      let result = await perform(action, of: assignment)
      outcomes.append(ActionOutcome(action: action, result: result))
      // A later action was decided on the assumption that this one takes effect.
      guard result == .done else { break }
    }
    await write(outcomes, of: assignment)
    running[assignment.target] = nil
    ended[assignment.target, default: []] += outcomes
    if running.isEmpty {
      for waiter in drained { waiter.resume() }
      drained = []
    }
    // What is under way is asked for again with the next pass, not as fast as a platform can answer.
    if !outcomes.allSatisfy(\.isWaiting) { nudge() }
  }

  private func perform(
    _ action: Action, of assignment: Assignment
  ) async -> ActionOutcome.Result {
    guard let place = places[assignment.platform] else {
      return .rejected(.platform, "no platform \"\(assignment.platform)\" is configured")
    }
    guard lease?.isHeld ?? true else { return .transient("the lease was lost") }
    failpoint("executor.before-action")
    do throws(PlatformError) {
      try await perform(action, of: assignment, at: place)
      failpoint("executor.after-action")
      return .done
    } catch {
      return Self.result(of: error)
    }
  }

  private func perform(
    _ action: Action, of assignment: Assignment, at place: Place
  ) async throws(PlatformError) {
    switch action {
    case .ensure(let order):
      if case .command = order.spec.health.check, place.checks == nil {
        throw .rejected(
          fault: .platform,
          "the platform \(assignment.platform) runs no commands: its health needs another check")
      }
      try await ensure(order, of: assignment, on: place.platform)
    case .setInstances(let stack, let count):
      try await place.platform.setInstances(count, of: certificate(of: stack, in: assignment))
    case .runTask(let stack, let task):
      try await place.platform.run(task, of: certificate(of: stack, in: assignment))
    case .retire(let stack):
      try await place.platform.retire(certificate(of: stack, in: assignment))
    case .route(let route, let revision):
      try await place.router.apply(route, ifRevision: revision)
    case .removeRoute(let name, let revision):
      try await place.router.remove(name, ifRevision: revision)
    }
  }

  private func ensure(
    _ order: LaunchOrder, of assignment: Assignment, on platform: any Platform
  ) async throws(PlatformError) {
    let existing = assignment.certificates[order.stack.generation]
    if let existing, existing.stackDigest != order.stackDigest {
      throw .conflict("\(order.stack) already exists with another digest")
    }
    let launch = try await assembly.launch(
      order, existing: existing, platform: platform, sequence: assignment.sequence,
      at: clock.now().wall)
    if existing == nil, case .shortage(let what) = try await platform.preflight(launch) {
      throw .rejected(fault: .platform, "no room for the candidate: \(what)")
    }
    failpoint("executor.before-ensure")
    // Inputs and room took their time.
    guard lease?.isHeld ?? true else { throw .transient("the lease was lost") }
    try await platform.ensure(launch)
  }

  private func certificate(
    of stack: StackReference, in assignment: Assignment
  ) throws(PlatformError) -> BirthCertificate {
    guard let certificate = assignment.certificates[stack.generation],
      certificate.launch == stack.launch
    else { throw .conflict("\(stack.generation) of launch \(stack.launch) is not there any more") }
    return certificate
  }

  private static func result(of error: PlatformError) -> ActionOutcome.Result {
    switch error {
    case .transient(let text): .transient(text)
    case .waiting(let text): .waiting(text)
    case .conflict(let text): .conflict(text)
    case .rejected(.stack, let text): .rejected(.stack, text)
    case .rejected(.platform, let text): .rejected(.platform, text)
    }
  }

  private func write(_ outcomes: [ActionOutcome], of assignment: Assignment) async {
    guard written[assignment.target] != outcomes else { return }
    written[assignment.target] = outcomes
    let entries = outcomes.map { outcome in
      LedgerEntry(
        at: clock.now().wall, kind: .outcome, target: assignment.target,
        generation: outcome.action.generation, pass: assignment.pass,
        message: "\(outcome.action.sentence): \(outcome.result.sentence)")
    }
    do throws(LedgerError) {
      failpoint("ledger.before-outcome")
      try await ledger.commit(LedgerWrite(entries: entries))
      failpoint("ledger.after-outcome")
    } catch {
      // The outcome is only history: what happened is seen by the next observation.
      log.error("outcome not recorded", metadata: ["error": "\(error)"])
    }
  }
}

extension ActionOutcome {
  fileprivate var isWaiting: Bool {
    guard case .waiting = result else { return false }
    return true
  }
}
