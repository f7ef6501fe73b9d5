import Analysis
import LedgerKit
import Model

/// What the traffic of a step shows: counted once a pass, and judged by counts alone.
extension TargetPass {
  /// Once a pass, before anything is decided.
  mutating func judgeTraffic() {
    guard let rollout = record.rollout, let analysis = rollout.analysis, rollout.bake != nil,
      elapsed > .zero, isKnown, weight(rollout.candidate) == rollout.weightPercent
    else { return }
    var evidence = rollout.evidence ?? StepEvidence()
    switch input.whole.counts {
    case .known(let counts)?:
      evidence.take(
        candidate: counts[rollout.candidate], stable: record.stable.flatMap { counts[$0] })
    case .unknown?, nil: evidence.wait(elapsed)
    }
    if let metrics = input.whole.metrics { evidence.take(metrics: metrics) }
    let judgement = JudgementRecord(
      judging: measurements(evidence, of: rollout), by: policy(analysis, of: rollout))
    _ = record.rollout?.handle(.judged(evidence, judgement))
    tell(judgement, after: rollout)
  }

  private func measurements(
    _ evidence: StepEvidence, of rollout: RolloutMachine
  ) -> Measurements {
    // What was read too long ago says nothing of now.
    let isFresh = evidence.age <= facts.limits.freshness
    func arm(_ counts: RequestCounts?) -> ArmCounts? {
      guard isFresh, let counts else { return nil }
      return ArmCounts(requests: counts.requests, errors: counts.errors)
    }
    return Measurements(
      candidate: arm(evidence.candidate),
      baseline: rollout.weightPercent < 100 ? arm(evidence.stable) : nil,
      candidateWeightPercent: rollout.weightPercent,
      rates: (rollout.analysis?.metrics ?? []).map {
        RateMeasurement(name: $0.name, value: evidence.metrics[$0.name]?.value)
      }, watched: rollout.bake?.served ?? .zero)
  }

  private func policy(
    _ analysis: AnalysisDeclaration, of rollout: RolloutMachine
  ) -> AnalysisPolicy {
    AnalysisPolicy(
      errors: ShareLimits(
        ratio: analysis.errorRatio, margin: analysis.errorMarginPoints / 100,
        ceiling: analysis.errorCeilingPercent.map { $0 / 100 }),
      rates: analysis.metrics.map {
        RateLimit(name: $0.name, minimum: $0.minimum, maximum: $0.maximum)
      },
      minimumRequests: analysis.minimumRequests, minimumWatched: .zero,
      noTraffic: analysis.noTraffic == .allow ? .allow : .hold)
  }

  /// Said when the verdict changes, with all that it was made from, so that it can be judged again.
  private mutating func tell(_ judgement: JudgementRecord, after rollout: RolloutMachine) {
    let verdict = judgement.judgement.verdict
    let former = rollout.judgement?.judgement.verdict
    guard verdict != former else { return }
    // That there is no verdict yet is no news, nor that there is nothing to compare all traffic with.
    let isNews = former?.permitsPromotion == true || verdict.permitsPromotion || verdict == .fail
    guard isNews, rollout.weightPercent < 100 || verdict == .fail else { return }
    entries.append(
      LedgerEntry(
        at: facts.now.wall, kind: .decision, target: id, generation: rollout.candidate,
        message: "\(rollout.candidate) with \(rollout.weightPercent) %: \(verdict.rawValue), "
          + (judgement.judgement.reasons.first ?? ""),
        details: details(judgement)))
  }

  /// What a metric gave that is no number is text in it already, so that it always has a form.
  private func details(_ judgement: JudgementRecord) -> CanonicalValue {
    do {
      return ["judgement": .string(try CanonicalJSON.text(judgement))]
    } catch {
      return ["error": .string("\(error)")]
    }
  }

  // MARK: - What follows

  /// Why the candidate is taken back by what its traffic shows; nil: nothing speaks against it.
  func trafficFailure(_ rollout: RolloutMachine) -> RolloutMachine.Failure? {
    guard let judgement = rollout.judgement?.judgement, judgement.verdict == .fail else {
      return nil
    }
    return .init(.stackFault, judgement.reasons.first ?? "its traffic fails")
  }

  /// The step has shown what it must. With all traffic there is nothing left to compare with.
  mutating func isJudgedWell(_ rollout: RolloutMachine, _ bake: RolloutMachine.Bake) -> Bool {
    guard let analysis = rollout.analysis, rollout.weightPercent < 100, rollout.isAdvanced != true
    else { return true }
    let judgement = rollout.judgement?.judgement
    if judgement?.verdict.permitsPromotion == true { return true }
    let reason = judgement?.reasons.first ?? "nothing was counted yet"
    let waited = max(.zero, bake.served - bakeTime(of: rollout))
    note(
      "waits for a verdict, \(waited.rounded.text) of \(analysis.deadline.text): "
        + "\(judgement?.verdict.rawValue ?? "noData"), \(reason)")
    for metric in analysis.metrics {
      guard case .unknown(let reason)? = rollout.evidence?.metrics[metric.name] else { continue }
      note("\(metric.name) is not known: \(reason)")
    }
    if waited >= analysis.deadline {
      fail(
        .init(.noEvidence, "no verdict in \(analysis.deadline.text) after the bake: \(reason)"))
    }
    return false
  }
}
