/// What is to be done with a candidate; the greater one decides.
package enum Verdict: String, Hashable, Codable, Sendable, CaseIterable {
  /// Shown to be as good as the policy demands.
  case pass
  /// Nobody asked it anything, and the policy allows that. To be shown as what it is.
  case unjudged
  /// Something that is needed was not measured. Never passes.
  case noData
  /// Measured, but it shows neither.
  case inconclusive
  case fail
}

extension Verdict: Comparable {
  package static func < (left: Verdict, right: Verdict) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .pass: 0
    case .unjudged: 1
    case .noData: 2
    case .inconclusive: 3
    case .fail: 4
    }
  }

  /// The only ones after which a step may go on.
  package var permitsPromotion: Bool { self <= .unjudged }
}

/// One thing that was found, and what it alone would mean.
package struct Finding: Hashable, Codable, Sendable {
  package var cause: Cause
  /// A sentence for people, with the numbers.
  package var text: String

  init(_ cause: Cause, _ text: String) {
    self.cause = cause
    self.text = text
  }
}

/// Why a verdict is what it is. Of those with the same verdict the first one decides.
package enum Cause: String, Hashable, Codable, Sendable, CaseIterable {
  // fail
  case readinessLost, crashLoop
  /// All of the first requests were errors.
  case allErrors
  case moreErrors, moreSlow
  case errorsOverCeiling, slowOverCeiling
  case rateOutOfBounds
  // inconclusive
  /// The policy itself makes no sense.
  case policy
  /// Both arms are bad: not the candidate's doing, or nobody can tell.
  case environment
  /// The requests are not split as the router was told.
  case routing
  case tooEarly, tooFewRequests
  /// The counts speak for "worse" rather than against it.
  case looksWorse
  /// The candidate may still be worse than the baseline by more than the margin.
  case marginNotShown
  // noData
  case noCandidateData, noBaselineData
  case implausibleCounts
  case noLatency, noRate
  case noTraffic
  // unjudged
  case noTrafficAllowed
  // pass
  case notWorse

  package var verdict: Verdict {
    switch self {
    case .readinessLost, .crashLoop, .allErrors, .moreErrors, .moreSlow, .errorsOverCeiling,
      .slowOverCeiling, .rateOutOfBounds:
      .fail
    case .environment, .routing, .tooFewRequests, .tooEarly, .marginNotShown, .looksWorse,
      .policy:
      .inconclusive
    case .noCandidateData, .noBaselineData, .noLatency, .noRate, .implausibleCounts, .noTraffic:
      .noData
    case .noTrafficAllowed: .unjudged
    case .notWorse: .pass
    }
  }
}

/// The answer to one look.
package struct Judgement: Hashable, Codable, Sendable {
  package let verdict: Verdict
  /// All that was found, the weightiest first, never empty.
  package let findings: [Finding]
  /// The numbers behind it, of each metric that the policy judges.
  package let comparisons: [Comparison]

  init(_ findings: [Finding], _ comparisons: [Comparison]) {
    self.findings = Cause.allCases.flatMap { cause in findings.filter { $0.cause == cause } }
    self.verdict = findings.map(\.cause.verdict).max() ?? .noData
    self.comparisons = comparisons
  }

  /// What decided.
  package var cause: Cause? { findings.first?.cause }
  package var reasons: [String] { findings.map(\.text) }
}

/// A judgement with all that it was made from, to be stored and judged again.
package struct JudgementRecord: Hashable, Codable, Sendable {
  package let measurements: Measurements
  package let policy: AnalysisPolicy
  package let judgement: Judgement

  package init(judging measurements: Measurements, by policy: AnalysisPolicy) {
    self.measurements = measurements
    self.policy = policy
    self.judgement = Judge.judge(measurements, policy)
  }

  /// What this program says to the same input.
  package func replayed() -> Judgement { Judge.judge(measurements, policy) }
}
