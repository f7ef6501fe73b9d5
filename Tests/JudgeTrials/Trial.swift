package import Analysis

/// Made-up traffic of two arms, judged once a minute.
package struct Trial: Sendable {
  /// Poisson arrivals in both arms, so that neither the requests nor the split are fixed.
  package struct Arm: Sendable {
    fileprivate let errors: PoissonTable
    fileprivate let slow: PoissonTable
    fileprivate let good: PoissonTable

    /// Shares of the requests; the slow ones are none of the errors.
    package init(requestsPerMinute: Double, errors: Double, slow: Double = 0) {
      self.errors = PoissonTable(mean: requestsPerMinute * errors)
      self.slow = PoissonTable(mean: requestsPerMinute * slow)
      self.good = PoissonTable(mean: requestsPerMinute * (1 - errors - slow))
    }
  }

  /// What a caller saw who looked every minute.
  package struct Outcome: Sendable {
    /// The first minute with that verdict; nil: never.
    package var failed: Int?
    package var passed: Int?
    /// The split was ever called broken, which it never is here.
    package var routing = false
  }

  package var candidate: Arm
  package var baseline: Arm
  package var policy: AnalysisPolicy

  package init(candidate: Arm, baseline: Arm, policy: AnalysisPolicy) {
    self.candidate = candidate
    self.baseline = baseline
    self.policy = policy
  }

  /// Until it fails, or for so many minutes.
  package func run(minutes: Int, _ random: inout TrialRandom) -> Outcome {
    var outcome = Outcome()
    var seen = Measurements(
      candidate: ArmCounts(requests: 0, errors: 0, slow: 0),
      baseline: ArmCounts(requests: 0, errors: 0, slow: 0), watched: .zero)
    for minute in 1...minutes {
      seen.candidate?.add(candidate, &random)
      seen.baseline?.add(baseline, &random)
      seen.watched += .seconds(60)
      let judgement = Judge.judge(seen, policy)
      outcome.routing = outcome.routing || judgement.findings.contains { $0.cause == .routing }
      switch judgement.verdict {
      case .fail:
        outcome.failed = minute
        return outcome
      case .pass: outcome.passed = outcome.passed ?? minute
      case .unjudged, .noData, .inconclusive: break
      }
    }
    return outcome
  }
}

extension ArmCounts {
  fileprivate mutating func add(_ arm: Trial.Arm, _ random: inout TrialRandom) {
    let (bad, late) = (arm.errors.draw(&random), arm.slow.draw(&random))
    requests += bad + late + arm.good.draw(&random)
    errors += bad
    slow = (slow ?? 0) + late
  }
}
