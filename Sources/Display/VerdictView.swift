package import Model

/// One verdict on the traffic of a step, as it was given and as this program gives it now.
package struct ShownVerdict: Sendable {
  package var at: WallTime
  package var generation: Generation
  package var sharePercent: Int
  package var verdict: String
  package var replayed: String
  /// Errors and requests; nil: it had no counts.
  package var candidate: String?
  package var stable: String?
  /// The weightiest first.
  package var reasons: [String]
  package init(
    at: WallTime, generation: Generation, sharePercent: Int, verdict: String, replayed: String,
    candidate: String?, stable: String?, reasons: [String]
  ) {
    self.at = at
    self.generation = generation
    self.sharePercent = sharePercent
    self.verdict = verdict
    self.replayed = replayed
    self.candidate = candidate
    self.stable = stable
    self.reasons = reasons
  }
}

extension View {
  static func verdicts(_ verdicts: [ShownVerdict]) -> View {
    let columns = ["AT", "STACK", "SHARE", "VERDICT", "AGAIN", "CANDIDATE", "STABLE", "REASON"]
    let rows = verdicts.map { verdict -> [Cell] in
      [
        Cell("\(verdict.at)"), Cell("\(verdict.generation)"), Cell("\(verdict.sharePercent) %"),
        Cell(verdict.verdict, verdict.verdict == "fail" ? .bad : .plain),
        Cell(verdict.replayed, verdict.replayed == verdict.verdict ? .good : .bad),
        Cell(verdict.candidate), Cell(verdict.stable), Cell(verdict.reasons.first),
      ]
    }
    let table = Table(columns: columns, rows: rows, empty: "No traffic was judged yet.")
    return View(parts: [.table(table)], value: .array(verdicts.map(\.form)))
  }
}

extension ShownVerdict {
  fileprivate var form: CanonicalValue {
    .present([
      "at": .string("\(at)"), "generation": .integer(generation.number),
      "sharePercent": .integer(sharePercent), "verdict": .string(verdict),
      "replayed": .string(replayed), "candidate": candidate.map { .string($0) },
      "stable": stable.map { .string($0) },
      "reasons": .array(reasons.map { .string($0) }),
    ])
  }
}
