import LedgerKit
package import Logging
package import Model
import Planning
import PlatformKit

/// One run of observe → plan → act over all targets: read this second, after `Planning`.
///
/// A straight line without branches back; it waits for no action, and the loop closes only
/// through the world and the ledger, on the next pass.
package struct Pass: Sendable {
  let parts: AgentParts
  let log: Logger

  package init(parts: AgentParts, log: Logger) {
    self.parts = parts
    self.log = log
  }

  /// The state for the next pass. When the ledger cannot be written nothing is begun, and the old
  /// state stays.
  package func run(_ old: PassState, at now: Now) async throws(AgentError) -> PassState {
    var state = old
    state.number += 1
    let sources = await sources()
    let input = await observe(&state, sources, at: now)
    var output = checked(Planner.plan(input), input, pass: state.number)
    output.markNewest(of: sources)
    do {
      var write = try state.write(
        for: output, sources: input.sources, intents: intents(output, state, at: now), at: now)
      let isDeclared = input.sources.values.allSatisfy { $0.commit != nil }
      // Who only observes changes no record: nobody has been told anything.
      let isTold = state.hasSeenWorld && !input.agent.isObserving
      let settlesLoss = state.isOlderLedger && isTold
      write.settlesLoss = settlesLoss
      failpoint("ledger.before-intent")
      let sequence = write.isEmpty ? state.lastSequence : try await parts.ledger.commit(write)
      failpoint("ledger.after-intent")
      if !write.alerts.isEmpty { parts.alertsQueued() }
      state.apply(output, sequence: sequence, sources: input.sources)
      if settlesLoss { state.isOlderLedger = false }
      if isTold, isDeclared { state.isLedgerLost = false }
    } catch {
      log.error(
        "the ledger cannot be written: nothing is begun",
        metadata: ["pass": "\(state.number)", "error": "\(error)"])
      return old
    }
    guard parts.lease?.isHeld ?? true else {
      throw .leaseLost(path: parts.leasePath)
    }
    await act(output, input, state)
    return state
  }

  private func act(_ output: PlanningOutput, _ input: PlanningInput, _ state: PassState) async {
    let acting = Set(output.plan.lazy.filter { !$0.actions.isEmpty }.map(\.target))
    let inputs = Dictionary(
      input.targets.lazy.filter { acting.contains($0.id) }.map { ($0.id, $0) }
    ) { first, _ in first }
    let assignments = output.plan.compactMap { plan -> Assignment? in
      guard !plan.actions.isEmpty, let input = inputs[plan.target] else { return nil }
      let stacks = input.stacks.value ?? []
      let platform =
        plan.actions.lazy.compactMap(\.orderedPlatform).first ?? stacks.first?.certificate.platform
        ?? input.desired.target?.platform ?? input.record?.lastGood?.platform
      guard let platform else { return nil }
      return Assignment(
        target: plan.target, actions: plan.actions, platform: platform,
        certificates: Dictionary(
          stacks.map { ($0.id.generation, $0.certificate) }
        ) { first, _ in first },
        sequence: state.lastSequence, pass: state.number)
    }
    await parts.executor.begin(assignments)
  }

  /// The second line of defence: what breaks an invariant is not done, and is said loudly.
  private func checked(
    _ output: PlanningOutput, _ input: PlanningInput, pass: Int
  ) -> PlanningOutput {
    var output = output
    for index in output.plan.indices {
      let violations = PlanChecks.violations(of: output.plan[index], input: input, output: output)
      guard !violations.isEmpty else { continue }
      let text = violations.map { "\($0.invariant): \($0.message)" }.joined(separator: "; ")
      log.critical(
        "the plan breaks an invariant and is not carried out",
        metadata: ["pass": "\(pass)", "target": "\(output.plan[index].target)", "why": "\(text)"])
      output.plan[index] = refused(output.plan[index], input, because: text)
    }
    return output
  }

  private func refused(
    _ plan: TargetPlan, _ input: PlanningInput, because text: String
  ) -> TargetPlan {
    var plan = plan
    plan.actions = []
    plan.rest = nil
    plan.fingerprints = [:]
    plan.record = input.targets.first { $0.id == plan.target }?.record
    // S24: what was not judged now is judged later.
    if input.agent.isLedgerLost, plan.record?.isLossJudged == false {
      plan.record?.isLossDue = true
    }
    plan.status.explanation.append("refused by the plan checks: \(text)")
    plan.alerts = [
      OutboxAlert(
        key: "\(plan.target)/plan-check/\(Digest.of(text).short)", at: input.now.wall,
        target: plan.target, severity: "error", reason: "PlanRefused", message: text)
    ]
    plan.entries = []
    return plan
  }

  /// What is about to be done, written before it is done. Said again only when it changes.
  private func intents(
    _ output: PlanningOutput, _ state: PassState, at now: Now
  ) -> [LedgerEntry] {
    output.plan.flatMap { plan -> [LedgerEntry] in
      plan.actions.compactMap { action in
        guard state.announced[plan.target]?.contains(action.sentence) != true else { return nil }
        return LedgerEntry(
          at: now.wall, kind: .intent, target: plan.target, generation: action.generation,
          pass: state.number, message: action.sentence)
      }
    }
  }
}

extension Action {
  fileprivate var orderedPlatform: PlatformName? {
    guard case .ensure(let order) = self else { return nil }
    return order.platform
  }
}
