import Glibc

/// One metric of both arms, and what the counts show of it.
package struct Comparison: Hashable, Codable, Sendable {
  package enum Metric: String, Hashable, Codable, Sendable, CaseIterable {
    case errors
    /// Requests slower than the SLO latency.
    case slow
  }

  /// So many of so many requests.
  package struct Portion: Hashable, Codable, Sendable {
    package var hits: Int
    package var requests: Int
    var misses: Int { requests - hits }
    var share: Double { Double(hits) / Double(requests) }
  }

  package let metric: Metric
  package let candidate: Portion
  /// nil: it gave nothing, or served nothing.
  package let baseline: Portion?
  /// Natural logarithm of the e-value that a test must reach to fail a candidate.
  package let logNeeded: Double
  /// … of the one that the candidate's share is more than `ratio` times the baseline's.
  package let logWorse: Double?
  /// … of those that a share is above the ceiling.
  package let logCandidateOver: Double?
  package let logBaselineOver: Double?
  /// The candidate's share is below this, the baseline's above that, both at once at every look.
  package let candidateUpper: Double
  package let baselineLower: Double?

  /// The candidate's share is above the baseline's by less than this.
  package var differenceUpper: Double? { baselineLower.map { candidateUpper - $0 } }
}

extension Comparison {
  /// `candidate` has served at least one request.
  init(
    _ metric: Metric, _ limits: ShareLimits, candidate: Portion, baseline: Portion?,
    policy: AnalysisPolicy
  ) {
    self.metric = metric
    self.candidate = candidate
    self.baseline = baseline
    logNeeded = log(1 / policy.alphaEach)
    logWorse = baseline.map { Self.worse(candidate, than: $0, limits.ratio) }
    logCandidateOver = limits.ceiling.map { candidate.evidence(above: $0) }
    logBaselineOver = limits.ceiling.flatMap { ceiling in
      baseline.map { $0.evidence(above: ceiling) }
    }
    // Passing needs every metric at once, so that they share no alpha; the two bounds do.
    let alpha = policy.alpha / 2
    candidateUpper = ConfidenceBound.upper(
      hits: candidate.hits, misses: candidate.misses, alpha: alpha)
    baselineLower = baseline.map {
      ConfidenceBound.lower(hits: $0.hits, misses: $0.misses, alpha: alpha)
    }
  }

  /// Of all errors of both arms, the candidate has its part of the requests when it is as good as
  /// the baseline, and at most r·n/(r·n + m) of them when its rate is at most r times as high. What
  /// happens to both arms at once, such as a database that fails for a minute, cancels out.
  ///
  /// Assumed: the split of the requests stays the same, so that every error is drawn with the same
  /// odds; the observed split stands for it. When errors are frequent, they vary less than assumed,
  /// and the test only becomes more careful.
  private static func worse(_ candidate: Portion, than baseline: Portion, _ ratio: Double)
    -> Double
  {
    let threshold = Threshold(
      ratio * Double(candidate.requests), beside: Double(baseline.requests))
    return Evidence.logarithm(hits: candidate.hits, misses: baseline.hits, above: threshold)
  }

  /// What this metric alone says; nothing when the candidate is shown to be good enough.
  func findings(_ limits: ShareLimits) -> [Finding] {
    var found: [Finding] = []
    if let logWorse, logWorse >= logNeeded {
      found.append(Finding(metric.worse, worseText(limits, logWorse)))
    } else if let logWorse, logWorse > 0, looksWorse(limits) {
      found.append(Finding(.looksWorse, worseText(limits, logWorse)))
    }
    if let ceiling = limits.ceiling { found += overCeiling(ceiling) }
    if let differenceUpper, differenceUpper >= limits.margin {
      found.append(Finding(.marginNotShown, marginText(limits, differenceUpper)))
    }
    return found
  }

  /// A margin of a point is ten times a baseline of 0.1 %: with many requests, a candidate that is
  /// about to fail would pass first. An e-value above 1 speaks for "worse"; it waits for more,
  /// unless the difference is so small that nobody would mind: one error in a million against none.
  private func looksWorse(_ limits: ShareLimits) -> Bool {
    (differenceUpper ?? 1) >= limits.margin / 10
  }

  /// A ceiling is absolute, so it says nothing of a candidate while the baseline breaks it as well.
  private func overCeiling(_ ceiling: Double) -> [Finding] {
    let isBaselineOver = (logBaselineOver ?? 0) >= logNeeded
    if isBaselineOver, candidateUpper >= ceiling {
      return [Finding(.environment, environmentText(ceiling))]
    }
    guard !isBaselineOver, let logCandidateOver, logCandidateOver >= logNeeded else { return [] }
    return [Finding(metric.overCeiling, ceilingText(ceiling, logCandidateOver))]
  }
}

extension Comparison.Portion {
  func evidence(above share: Double) -> Double {
    Evidence.logarithm(hits: hits, misses: misses, above: Threshold(share))
  }

  func isShown(above share: Double, alpha: Double) -> Bool {
    evidence(above: share) >= log(1 / alpha)
  }
}

extension Comparison.Metric {
  fileprivate var worse: Cause {
    switch self {
    case .errors: .moreErrors
    case .slow: .moreSlow
    }
  }

  fileprivate var overCeiling: Cause {
    switch self {
    case .errors: .errorsOverCeiling
    case .slow: .slowOverCeiling
    }
  }

  func portion(of counts: ArmCounts?) -> Comparison.Portion? {
    guard let counts, counts.requests > 0 else { return nil }
    switch self {
    case .errors: return .init(hits: counts.errors, requests: counts.requests)
    case .slow: return counts.slow.map { .init(hits: $0, requests: counts.requests) }
    }
  }
}
