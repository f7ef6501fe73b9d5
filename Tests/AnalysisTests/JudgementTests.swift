import Analysis
import Foundation
import Testing

@Suite struct JudgementTests {
  private let measurements = Measurements(
    candidate: arm(31, 3000, slow: 40), baseline: arm(3, 3000, slow: 38),
    rates: [RateMeasurement(name: "p99", value: .nan)], faults: [.readinessLost],
    watched: .seconds(600))
  private let policy = AnalysisPolicy(
    slow: ShareLimits(ceiling: 0.05), rates: [RateLimit(name: "p99", maximum: 0.5)])

  @Test func `a stored judgement is what it was, and is judged the same again`() throws {
    let record = JudgementRecord(judging: measurements, by: policy)
    let data = try JSONEncoder().encode(record)
    let stored = try JSONDecoder().decode(JudgementRecord.self, from: data)
    #expect(stored == record)
    #expect(stored.replayed() == stored.judgement)
    #expect(stored.judgement == Judge.judge(measurements, policy))
  }

  @Test func `a judgement says all that it found, the weightiest first, with its numbers`() {
    #expect(
      Judge.judge(measurements, policy).reasons == [
        "an instance lost its readiness",
        "errors: 31 of 3,000 (1.03 %) against 3 of 3,000 (0.1 %): the evidence for more than 1.5 "
          + "times the baseline's share is 1,410, and 300 fails",
        "errors: 31 of 3,000 (1.03 %) against 3 of 3,000 (0.1 %): the candidate may be worse by up "
          + "to 1.86 points, and must be shown to be worse by less than 1 point",
        "slow requests: 40 of 3,000 (1.33 %) against 38 of 3,000 (1.27 %): the candidate may be "
          + "worse by up to 1.71 points, and must be shown to be worse by less than 1 point",
        "p99: nan is no number",
      ])
  }

  @Test func `a pass says what it shows`() {
    let judgement = Judge.judge(
      Measurements(candidate: arm(3, 3000), baseline: arm(3, 3000), watched: .seconds(60)),
      AnalysisPolicy())
    #expect(
      judgement.reasons == [
        "errors: 3 of 3,000 (0.1 %) against 3 of 3,000 (0.1 %): worse by less than 0.468 points, "
          + "and 1 point is allowed"
      ])
  }

  @Test func `evidence beyond any number is told by its power of ten`() {
    let judgement = Judge.judge(
      Measurements(
        candidate: arm(500_000_000, 1_000_000_000), baseline: arm(0, 1_000_000_000),
        watched: .seconds(60)), AnalysisPolicy())
    #expect(judgement.reasons.first?.contains("is 10^110,924,366, and 100 fails") == true)
  }

  @Test func `verdicts are ordered, and only the two lowest promote`() {
    #expect(Verdict.allCases == Verdict.allCases.sorted())
    #expect(Verdict.allCases.filter(\.permitsPromotion) == [.pass, .unjudged])
    #expect(Set(Cause.allCases.map(\.verdict)) == Set(Verdict.allCases))
  }

  @Test func `the tests of a policy share its alpha`() {
    #expect(AnalysisPolicy().testCount == 1)
    #expect(policy.testCount == 3)
    #expect(policy.alphaEach == 0.01 / 3)
    // 13 errors against none are evidence of 136: enough for one test, too little for one of two.
    let counts = Measurements(
      candidate: arm(13, 3000, slow: 0), baseline: arm(0, 3000, slow: 0), watched: .seconds(600))
    #expect(Judge.judge(counts, AnalysisPolicy()).verdict == .fail)
    #expect(Judge.judge(counts, .withLatency).verdict == .inconclusive)
  }

  @Test func `N_min is 300, or what the narrowest margin needs`() {
    #expect(AnalysisPolicy().neededRequests == 300)
    #expect(AnalysisPolicy(slow: ShareLimits(margin: 0.001)).neededRequests == 3000)
    #expect(AnalysisPolicy(minimumRequests: 50).neededRequests == 300)
  }

  @Test func `a policy that makes no sense says so, and a fault still fails`() {
    let policies: [AnalysisPolicy] = [
      AnalysisPolicy(alpha: 0), AnalysisPolicy(alpha: .infinity),
      AnalysisPolicy(errors: ShareLimits(ratio: 0.9)),
      AnalysisPolicy(errors: ShareLimits(margin: 1e-300)),
      AnalysisPolicy(slow: ShareLimits(ceiling: 1)), AnalysisPolicy(minimumRequests: 0),
      AnalysisPolicy(minimumWatched: .seconds(-1)), AnalysisPolicy(allErrorsRequests: 0),
      AnalysisPolicy(routingAlpha: .nan), AnalysisPolicy(routingSlackPercent: -1),
      AnalysisPolicy(rates: [RateLimit(name: "p99")]),
      AnalysisPolicy(rates: [RateLimit(name: "p99", minimum: 2, maximum: 1)]),
    ]
    var counts = Measurements(
      candidate: arm(3, 3000), baseline: arm(3, 3000), watched: .seconds(600))
    for policy in policies {
      counts.faults = []
      #expect(policy.problems.count == 1)
      #expect(Judge.judge(counts, policy).verdict == .inconclusive)
      counts.faults = [.crashLoop]
      #expect(Judge.judge(counts, policy).verdict == .fail)
    }
    #expect(AnalysisPolicy().problems == [])
  }

  @Test func `what a provider says of a number outside is said with it`() {
    let policy = AnalysisPolicy(rates: [RateLimit(name: "smoke", minimum: 1)])
    func reasons(_ value: Double) -> [String] {
      let rate = RateMeasurement(name: "smoke", value: value, words: "no such cart")
      let measurements = Measurements(
        candidate: nil, baseline: nil, rates: [rate], watched: .zero)
      return Judge.judge(measurements, policy).reasons.filter { $0.contains("smoke") }
    }
    #expect(reasons(0) == ["smoke is 0, below 1: no such cart"])
    #expect(reasons(1) == [])
  }
}
