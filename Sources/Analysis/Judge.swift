/// Decides from counts and a policy what a candidate deserves. It knows no time but the one that it
/// is given, remembers nothing, and has no effect: the same input has the same answer, always.
///
/// A failure may be taken back by later counts here; it is the caller that lets it stand.
package enum Judge {
  package static func judge(_ measurements: Measurements, _ policy: AnalysisPolicy) -> Judgement {
    let problems = policy.problems
    let look = Look(measurements, policy)
    guard problems.isEmpty else {
      return Judgement(look.faults + problems.map { Finding(.policy, "policy: \($0)") }, [])
    }
    let comparisons = look.comparisons
    var findings = look.faults + look.allErrors + look.rates + look.routing + look.gaps
    findings += comparisons.flatMap { comparison in
      policy.limits(of: comparison.metric).map(comparison.findings) ?? []
    }
    findings += look.patience
    if findings.isEmpty {
      findings = comparisons.compactMap { comparison in
        policy.limits(of: comparison.metric).map { Finding(.notWorse, comparison.passText($0)) }
      }
    }
    return Judgement(findings, comparisons)
  }
}

/// The parts of a judgement; each says only what is in the way of a pass.
private struct Look {
  let measurements: Measurements
  let policy: AnalysisPolicy
  /// Counts that can be true.
  let candidate: ArmCounts?
  let baseline: ArmCounts?

  init(_ measurements: Measurements, _ policy: AnalysisPolicy) {
    self.measurements = measurements
    self.policy = policy
    candidate = measurements.candidate.flatMap { $0.flaw == nil ? $0 : nil }
    baseline = measurements.baseline.flatMap { $0.flaw == nil ? $0 : nil }
  }

  var faults: [Finding] {
    CandidateFault.allCases.filter(measurements.faults.contains).map { fault in
      switch fault {
      case .readinessLost: Finding(.readinessLost, "an instance lost its readiness")
      case .crashLoop: Finding(.crashLoop, "an instance crashes again and again")
      }
    }
  }

  var comparisons: [Comparison] {
    Comparison.Metric.allCases.compactMap { metric in
      guard let limits = policy.limits(of: metric), let portion = metric.portion(of: candidate)
      else { return nil }
      return Comparison(
        metric, limits, candidate: portion, baseline: metric.portion(of: baseline), policy: policy)
    }
  }

  /// Not a test but a guard: so many errors and nothing else do not happen by chance to anything
  /// that works, and wait for no baseline.
  var allErrors: [Finding] {
    guard let candidate, candidate.areAllErrors, candidate.requests >= policy.allErrorsRequests
    else { return [] }
    let count = "all \(candidate.requests.grouped) requests of the candidate are errors"
    guard let baseline, isBad(baseline) else { return [Finding(.allErrors, count)] }
    return [
      Finding(
        .environment,
        "\(count), and \(baseline.errors.grouped) of \(baseline.requests.grouped) of the baseline")
    ]
  }

  private func isBad(_ counts: ArmCounts) -> Bool {
    if counts.areAllErrors, counts.requests >= policy.allErrorsRequests { return true }
    guard let ceiling = policy.errors.ceiling,
      let portion = Comparison.Metric.errors.portion(of: counts)
    else { return false }
    return portion.isShown(above: ceiling, alpha: policy.alphaEach)
  }

  /// A number that a limit names must be there; of those that no limit names nothing is demanded.
  var rates: [Finding] {
    policy.rates.flatMap { limit in
      let found = measurements.rates.filter { $0.name == limit.name }
      let rates = found.isEmpty ? [RateMeasurement(name: limit.name, value: nil)] : found
      return rates.compactMap { limit.finding($0) }
    }
  }

  /// When the requests are not split as the router was told, the arms do not differ by chance
  /// alone, and nothing follows from comparing them.
  var routing: [Finding] {
    let weight = Double(measurements.candidateWeightPercent) / 100
    guard let candidate, let baseline, weight > 0, weight < 1,
      let slackPercent = policy.routingSlackPercent
    else { return [] }
    let slack = min(slackPercent / 100, weight / 2, (1 - weight) / 2)
    let split = Comparison.Portion(
      hits: candidate.requests, requests: candidate.requests + baseline.requests)
    let rest = Comparison.Portion(hits: baseline.requests, requests: split.requests)
    let alpha = policy.routingAlpha / 2
    guard
      split.isShown(above: weight + slack, alpha: alpha)
        || rest.isShown(above: 1 - weight + slack, alpha: alpha)
    else { return [] }
    return [
      Finding(
        .routing,
        "the candidate got \(split.text) of the requests, and its weight is "
          + "\(measurements.candidateWeightPercent) %: they are not split as declared")
    ]
  }
}

extension Look {
  /// What was not measured. No absence of data permits anything.
  var gaps: [Finding] {
    var found = gap(measurements.candidate, "candidate", .noCandidateData)
    found += gap(measurements.baseline, "baseline", .noBaselineData)
    guard let candidate else { return found }
    if candidate.requests == 0 {
      let text = "the candidate served no request"
      found.append(
        policy.noTraffic == .allow && isQuiet
          ? Finding(.noTrafficAllowed, "\(text), which is allowed: unjudged")
          : Finding(.noTraffic, text))
      return found
    }
    if let baseline, baseline.requests == 0 {
      found.append(Finding(.noBaselineData, "the baseline served no request"))
    }
    if policy.slow != nil, candidate.slow == nil || baseline?.slow == nil {
      found.append(Finding(.noLatency, "latency is to be judged, and was not measured"))
    }
    return found
  }

  /// Of what the baseline got, fewer than three requests were the candidate's due: to get none of
  /// them is nothing strange.
  private var isQuiet: Bool {
    let weight = Double(measurements.candidateWeightPercent)
    return Double(baseline?.requests ?? 0) * weight <= 3 * (100 - weight)
  }

  private func gap(_ counts: ArmCounts?, _ arm: String, _ cause: Cause) -> [Finding] {
    guard let counts else { return [Finding(cause, "no counts of the \(arm)")] }
    guard let flaw = counts.flaw else { return [] }
    return [Finding(.implausibleCounts, "the counts of the \(arm) cannot be true: \(flaw)")]
  }

  /// What only needs more time, or more requests.
  var patience: [Finding] {
    var found: [Finding] = []
    if measurements.watched < policy.minimumWatched {
      let needed = "needs \(policy.minimumWatched)"
      found.append(Finding(.tooEarly, "watched for \(measurements.watched), \(needed)"))
    }
    if let candidate, candidate.requests > 0, candidate.requests < policy.neededRequests {
      found.append(
        Finding(
          .tooFewRequests,
          "the candidate served \(candidate.requests.grouped) requests, and needs "
            + policy.neededRequests.grouped))
    }
    return found
  }
}
