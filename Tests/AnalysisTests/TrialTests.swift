import Analysis
import JudgeTrials
import Testing

/// A small part of `make judge` (docs/analysis.md), small enough for every run of the tests.
@Suite struct TrialTests {
  private func arm(_ errors: Double, slow: Double = 0) -> Trial.Arm {
    Trial.Arm(requestsPerMinute: 300, errors: errors, slow: slow)
  }

  private func outcomes(_ trial: Trial, runs: Int) -> [Trial.Outcome] {
    (0..<runs).map { run in
      var random = TrialRandom(seed: UInt64(run) << 32)
      return trial.run(minutes: 60, &random)
    }
  }

  @Test func `of candidates that are no worse at most one in a hundred fails`() {
    let equal = Trial(
      candidate: arm(0.001, slow: 0.01), baseline: arm(0.001, slow: 0.01),
      policy: AnalysisPolicy(slow: ShareLimits()))
    let outcomes = outcomes(equal, runs: 500)
    #expect(outcomes.count { $0.failed != nil } <= 5)
    #expect(outcomes.count { $0.passed != nil } >= 495, "the hour is enough to pass")
    #expect(outcomes.count(where: \.routing) <= 3)
  }

  @Test func `the same holds for those that are just as bad as is tolerated`() {
    let boundary = Trial(
      candidate: arm(0.015), baseline: arm(0.01), policy: AnalysisPolicy())
    #expect(outcomes(boundary, runs: 500).count { $0.failed != nil } <= 10)
  }

  @Test func `ten times the errors fail within minutes, and hardly ever pass before`() {
    let worse = Trial(candidate: arm(0.01), baseline: arm(0.001), policy: AnalysisPolicy())
    let outcomes = outcomes(worse, runs: 500)
    let failed = outcomes.compactMap(\.failed).sorted()
    #expect(failed.count == 500)
    #expect(failed[250] <= 8)
    #expect(failed[475] <= 16)
    #expect(outcomes.count { $0.passed != nil } <= 5)
  }

  @Test func `Poisson tables have the mean and the variance of Poisson`() {
    for mean in [0, 0.01, 1, 17, 3000] {
      let table = PoissonTable(mean: mean)
      var random = TrialRandom(seed: 7)
      let draws = (0..<40_000).map { _ in Double(table.draw(&random)) }
      let average = draws.reduce(0, +) / 40_000
      let variance = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 40_000
      #expect(abs(average - mean) <= 4 * (mean / 40_000).squareRoot())
      #expect(abs(variance - mean) <= 0.05 * mean + 0.002)
    }
  }
}
