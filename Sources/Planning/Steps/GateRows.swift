import Analysis
import Model

/// The gates of the rollout in progress, as people are shown them.
extension TargetPass {
  func gateRows(_ rollout: RolloutMachine) -> [GateSummary] {
    guard rollout.phase != .rollingBack else { return [] }
    let rows = [
      window, health(rollout), bake(rollout), analysis(rollout), tests(rollout), approval(rollout),
      group(rollout), jobs(rollout),
    ]
    return rows.compactMap { $0 }
  }

  /// A freeze window, a pause, and whatever else keeps it where it is.
  private var window: GateSummary? {
    rolloutObjection.map { GateSummary("window", .waiting, reason: $0) }
  }

  private func health(_ rollout: RolloutMachine) -> GateSummary {
    let gate = stacks[rollout.candidate]?.certificate.spec.health ?? spec?.spec.health
    switch rollout.phase {
    case .vacating, .launching, .growing: return GateSummary("health", .pending, of: gate?.deadline)
    case .gating:
      return GateSummary(
        "health", .waiting, reason: probe(rollout.candidate)?.lastFailure,
        elapsed: rollout.elapsed, of: gate?.deadline)
    case .shifting, .baking, .promoted, .rollingBack, .rolledBack:
      return GateSummary("health", .passed)
    }
  }

  private func bake(_ rollout: RolloutMachine) -> GateSummary {
    let time = bakeTime(of: rollout)
    guard let bake = rollout.bake else { return GateSummary("bake", .pending, of: time) }
    let isOver = bake.served >= time || rollout.isAdvanced == true
    return GateSummary(
      "bake", isOver ? .passed : .waiting, elapsed: min(bake.served, time), of: time)
  }

  private func analysis(_ rollout: RolloutMachine) -> GateSummary? {
    guard let analysis = rollout.analysis, rollout.weightPercent < 100 else { return nil }
    guard let bake = rollout.bake else { return GateSummary("analysis", .pending) }
    let judgement = rollout.judgement?.judgement
    let state: GateSummary.State =
      judgement.map { judgement in
        judgement.verdict.permitsPromotion
          ? .passed : judgement.verdict == .fail ? .failed : .waiting
      } ?? .waiting
    return GateSummary(
      "analysis", state,
      reason: judgement.map { "\($0.verdict.rawValue): \($0.reasons.first ?? "")" },
      elapsed: bake.verdictWait, of: analysis.deadline)
  }

  private func jobs(_ rollout: RolloutMachine) -> GateSummary? {
    let open = openJobs(rollout)
    guard let first = open.first else { return nil }
    return GateSummary(
      "jobs", isRunningJob(rollout) ? .waiting : .pending,
      reason: open.map(\.name).joined(separator: ", "), of: first.deadline)
  }

  private func tests(_ rollout: RolloutMachine) -> GateSummary? {
    guard let run = rollout.tests else { return nil }
    guard run.isOpen else { return GateSummary("tests", .pending) }
    let names = run.pending.map(\.name).joined(separator: ", ")
    return GateSummary(
      "tests", run.failure != nil ? .failed : run.hasPassed ? .passed : .waiting,
      reason: run.failure.map { "\($0.test.name): \($0.result.words)" }
        ?? (names.isEmpty ? nil : "\(pointOfTests(rollout)): \(names)"),
      elapsed: run.waited, of: run.declared.map(\.deadline).max())
  }

  /// The others of its release, before the promotion.
  private func group(_ rollout: RolloutMachine) -> GateSummary? {
    guard let party, !party.companions.isEmpty, rollout.isLastStep else { return nil }
    guard record.group?.alone != rollout.candidate else { return GateSummary("group", .passed) }
    guard hasFinished else { return GateSummary("group", .pending) }
    return GateSummary(
      "group", waitForGroup == nil ? .passed : .waiting, reason: waitForGroup)
  }

  private func approval(_ rollout: RolloutMachine) -> GateSummary? {
    guard let within = rollout.step?.approvalWithin else { return nil }
    guard let bake = rollout.bake else { return GateSummary("approval", .pending, of: within) }
    if rollout.isApproved == true { return GateSummary("approval", .passed) }
    return GateSummary(
      "approval", bake.approvalWait == nil ? .pending : .waiting, elapsed: bake.approvalWait,
      of: within)
  }
}
