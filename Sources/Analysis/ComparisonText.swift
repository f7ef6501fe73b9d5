/// The sentences of a comparison.
extension Comparison {
  /// `errors: 31 of 3,000 (1.03 %) against 3 of 3,000 (0.1 %)`
  private var counts: String {
    "\(metric.text): \(candidate.text)" + (baseline.map { " against \($0.text)" } ?? "")
  }

  func worseText(_ limits: ShareLimits, _ evidence: Double) -> String {
    text(of: evidence, for: "more than \(limits.ratio.text) times the baseline's share")
  }

  func ceilingText(_ ceiling: Double, _ evidence: Double) -> String {
    text(of: evidence, for: "a share above the SLO's \(ceiling.percentText)")
  }

  private func text(of evidence: Double, for claim: String) -> String {
    "\(counts): the evidence for \(claim) is \(evidence.evidenceText), and "
      + "\(logNeeded.evidenceText) fails"
  }

  func environmentText(_ ceiling: Double) -> String {
    "\(counts): the baseline is above the SLO's \(ceiling.percentText), too, so it is not the "
      + "candidate alone"
  }

  func marginText(_ limits: ShareLimits, _ difference: Double) -> String {
    "\(counts): the candidate may be worse by up to \(difference.pointsText), and must be "
      + "shown to be worse by less than \(limits.margin.pointsText)"
  }

  func passText(_ limits: ShareLimits) -> String {
    "\(counts): worse by less than \((differenceUpper ?? 1).pointsText), and "
      + "\(limits.margin.pointsText) is allowed"
  }
}

extension Comparison.Portion {
  var text: String { "\(hits.grouped) of \(requests.grouped) (\(share.percentText))" }
}

extension Comparison.Metric {
  var text: String {
    switch self {
    case .errors: "errors"
    case .slow: "slow requests"
    }
  }
}
