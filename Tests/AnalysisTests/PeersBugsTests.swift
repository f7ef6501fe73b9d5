import Analysis
import Testing

/// What other judges let through, as their users reported it.
@Suite struct PeersBugsTests {
  @Test(arguments: [0, 1, 5, 50, 500])
  func `inconclusive measurements are never promoted (argo-rollouts 3850)`(_ requests: Int) {
    let judgement = Judge.judge(
      Measurements(
        candidate: arm(0, requests), baseline: arm(0, requests), watched: .seconds(86_400)),
      AnalysisPolicy())
    #expect(!judgement.verdict.permitsPromotion)
  }

  @Test func `a provider that only ever errs promotes nothing (argo-rollouts 4479)`() {
    let policy = AnalysisPolicy(
      rates: [RateLimit(name: "p99", maximum: 0.5), RateLimit(name: "saturation", maximum: 0.9)])
    for value: Double? in [nil, .nan, -.infinity, -1] {
      let rates = ["p99", "saturation"].map { RateMeasurement(name: $0, value: value) }
      let judgement = Judge.judge(
        Measurements(
          candidate: arm(3, 3000), baseline: arm(3, 3000), rates: rates, watched: .seconds(3600)),
        policy)
      #expect(judgement.verdict == .noData)
      #expect(judgement.findings.map(\.cause) == [.noRate, .noRate])
    }
  }

  @Test func `without traffic or metrics no step goes on, however long it lasts (flagger 1011)`() {
    for counts in [nil, arm(0, 0)] {
      let judgement = Judge.judge(
        Measurements(candidate: counts, baseline: counts, watched: .seconds(7 * 86_400)),
        AnalysisPolicy())
      #expect(judgement.verdict == .noData)
    }
  }

  @Test func `errors that are sparse are still counted (kayenta 426)`() {
    // One error every other minute in the candidate, none in the baseline: most points are zero.
    var counts = arm(0, 0)
    var verdicts: [Verdict] = []
    for minute in 1...60 {
      counts.requests += 300
      counts.errors += minute.isMultiple(of: 2) ? 1 : 0
      let judgement = Judge.judge(
        Measurements(
          candidate: counts, baseline: arm(0, counts.requests), watched: .seconds(60 * minute)),
        AnalysisPolicy())
      verdicts.append(judgement.verdict)
    }
    #expect(verdicts.last == .fail)
    // Never promoted on the way there, either.
    #expect(verdicts.dropFirst(3).allSatisfy { !$0.permitsPromotion })
  }

  @Test func `seven of ten points at 100 against all at 1 fail (spinnaker 6278)`() {
    let points = [1, 100, 100, 1, 100, 100, 100, 1, 100, 100]
    let judgement = Judge.judge(
      Measurements(
        candidate: arm(points.reduce(0, +), 3000), baseline: arm(10, 3000),
        watched: .seconds(600)),
      AnalysisPolicy())
    #expect(judgement.cause == .moreErrors)
    // Already the second of them is enough.
    let early = Judge.judge(
      Measurements(candidate: arm(101, 600), baseline: arm(2, 600), watched: .seconds(120)),
      AnalysisPolicy())
    #expect(early.verdict == .fail)
  }
}
