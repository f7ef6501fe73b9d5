import Analysis
import LedgerKit
import Model

/// What the traffic of a step shows: counted once a pass, and judged by counts alone.
extension TargetPass {
  /// Once a pass, before anything is decided.
  mutating func judgeTraffic() {
    guard let rollout = record.rollout, let analysis = rollout.analysis, rollout.bake != nil,
      rollout.stop == nil, elapsed > .zero, isKnown
    else { return }
    var evidence = rollout.evidence ?? StepEvidence()
    // What was asked for by another split says nothing of this one.
    let isSplit = weight(rollout.candidate) == rollout.weightPercent
    switch input.whole.counts {
    case .known(let counts)?:
      evidence.take(
        candidate: counts[rollout.candidate], stable: record.stable.flatMap { counts[$0] },
        isCounted: isSplit)
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
      // A request is counted when it begins, its error when it ends.
      return ArmCounts(
        requests: counts.requests, errors: min(counts.errors, counts.requests))
    }
    return Measurements(
      candidate: arm(evidence.candidate),
      baseline: rollout.weightPercent < 100 ? arm(evidence.stable) : nil,
      candidateWeightPercent: rollout.weightPercent,
      rates: (rollout.analysis?.metrics ?? []).map {
        let reading = evidence.metrics[$0.name]?.value
        return RateMeasurement(name: $0.name, value: reading?.number, words: reading?.words)
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
      noTraffic: analysis.noTraffic == .allow ? .allow : .hold,
      // Who is chosen, or stays, comes beside the share.
      routingSlackPercent: rollout.picks == nil ? 1 : nil)
  }

  /// That it fails is said at once, with all that it was made from, so that it can be judged again. What lets a
  /// step go on is said with the step.
  private mutating func tell(_ judgement: JudgementRecord, after rollout: RolloutMachine) {
    guard judgement.judgement.verdict == .fail else { return }
    entries.append(
      LedgerEntry(
        at: facts.now.wall, kind: .decision, target: id, generation: rollout.candidate,
        message: "\(rollout.candidate) with \(rollout.weightPercent) %: \(judgement.words)",
        details: details(judgement)))
  }

  /// What a metric gave that is no number is text in it already, so that it always has a form.
  func details(_ judgement: JudgementRecord) -> CanonicalValue {
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

  /// Its traffic speaks against it, if not surely.
  func looksBad(_ rollout: RolloutMachine) -> Bool {
    let cause = rollout.judgement?.judgement.cause
    return trafficFailure(rollout) != nil || cause == .looksWorse || cause == .environment
  }

  /// The step has shown what it must. With all traffic there is nothing left to compare with.
  mutating func isJudgedWell(_ rollout: RolloutMachine, _ bake: RolloutMachine.Bake) -> Bool {
    guard let analysis = rollout.analysis, rollout.weightPercent < 100, rollout.isAdvanced != true
    else { return true }
    let judgement = rollout.judgement?.judgement
    if judgement?.verdict.permitsPromotion == true { return true }
    let reason = judgement?.reasons.first ?? "nothing was counted yet"
    let waited = bake.verdictWait ?? .zero
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

extension JudgementRecord {
  /// `pass, errors: 0 of 760 …`.
  var words: String { "\(judgement.verdict.rawValue), \(judgement.reasons.first ?? "")" }
}
