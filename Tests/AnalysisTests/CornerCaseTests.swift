import Analysis
import Testing

@Suite struct CornerCaseTests {
  /// 3,000 requests with three errors each: nothing is wrong with it.
  private static let good = arm(3, 3000)
  private static let billion = 1_000_000_000

  private static let nothing = [
    CornerCase("two equal arms pass", good, good, .notWorse),
    CornerCase("all zero", arm(0, 0), arm(0, 0), .noTraffic),
    CornerCase("all zero, which is allowed", arm(0, 0), arm(0, 0), .noTrafficAllowed, .allowing),
    CornerCase(
      "no traffic is allowed, but too early", arm(0, 0), arm(0, 0), .tooEarly,
      watched: .seconds(1), .allowing),
    CornerCase("the provider is down", nil, nil, .noCandidateData),
    CornerCase(
      "the provider is down, and no traffic is allowed", nil, nil, .noCandidateData,
      .allowing),
    CornerCase("no data of the candidate", nil, good, .noCandidateData),
    CornerCase("no data of the baseline", good, nil, .noBaselineData),
    CornerCase(
      "no data of the baseline, and no traffic is allowed", arm(0, 0), nil, .noBaselineData,
      .allowing),
    CornerCase("the candidate is not asked", arm(0, 0), arm(3, 3000), .routing),
    CornerCase(
      "the candidate is not asked, and no traffic is allowed", arm(0, 0), arm(3, 3000), .routing,
      .allowing),
    CornerCase(
      "a little traffic, none of it for a small weight", arm(0, 0), arm(0, 90),
      .noTrafficAllowed, weight: 3, .allowing),
    CornerCase(
      "a small weight gets none of a lot of traffic", arm(0, 0), arm(0, 1000), .noTraffic,
      weight: 1, .allowing),
    CornerCase("the baseline is not asked", arm(3, 3000), arm(0, 0), .routing),
    CornerCase(
      "the baseline is not asked, as it should be", good, arm(0, 0), .noBaselineData, weight: 100),
    CornerCase("one request", arm(0, 1), arm(0, 1), .tooFewRequests),
    CornerCase("one request, an error", arm(1, 1), arm(0, 1), .tooFewRequests),
  ]

  private static let counters = [
    CornerCase("a counter that went backwards", arm(0, -5), good, .implausibleCounts),
    CornerCase("errors that went backwards", arm(-5, 3000), good, .implausibleCounts),
    CornerCase("slow ones that went backwards", arm(0, 3000, slow: -1), good, .implausibleCounts),
    CornerCase("the baseline's counter was reset", good, arm(3, -3000), .implausibleCounts),
    CornerCase("late data: more errors than requests", arm(7, 5), good, .implausibleCounts),
    CornerCase(
      "more slow ones than requests", arm(0, 5, slow: 6), good, .implausibleCounts, .withLatency),
    CornerCase("the greatest integer", arm(0, .max), arm(0, .max), .implausibleCounts),
    CornerCase("the smallest integer", arm(.min, .min), arm(.min, .min), .implausibleCounts),
    CornerCase(
      "10^9 requests, equal", arm(billion / 1000, billion), arm(billion / 1000, billion),
      .notWorse),
    CornerCase("10^9 requests without an error", arm(0, billion), arm(0, billion), .notWorse),
    CornerCase(
      "10^9 requests, 1.52 times the errors", arm(billion / 1000 * 152 / 100, billion),
      arm(billion / 1000, billion), .moreErrors),
    CornerCase(
      "10^9 requests, all errors, against none", arm(billion, billion), arm(0, billion),
      .allErrors),
    CornerCase("10^12 requests, equal", arm(1, 1000 * billion), arm(1, 1000 * billion), .notWorse),
  ]

  private static let time = [
    CornerCase(
      "the clock jumped: days, but no requests", arm(0, 10), arm(0, 10), .tooFewRequests,
      watched: .seconds(1_000_000)),
    CornerCase("the clock jumped back", good, good, .tooEarly, watched: .seconds(-5)),
    CornerCase("nobody watched", good, good, .tooEarly, watched: .zero),
    CornerCase("a failure needs no time", arm(300, 3000), good, .moreErrors, watched: .zero),
  ]

  private static let shares = [
    CornerCase(
      "299 requests without an error", arm(0, 299), arm(0, 299), .tooFewRequests,
      AnalysisPolicy(errors: ShareLimits(margin: 0.05))),
    CornerCase(
      "300 requests without an error, of a wide margin", arm(0, 300), arm(0, 300),
      .notWorse, AnalysisPolicy(errors: ShareLimits(margin: 0.05))),
    CornerCase(
      "300 requests without an error show no margin of a point", arm(0, 300),
      arm(0, 300), .marginNotShown),
    CornerCase(
      "a narrow margin needs 3,000 requests", arm(0, 2999), arm(0, 2999), .tooFewRequests,
      AnalysisPolicy(errors: ShareLimits(margin: 0.001))),
    CornerCase(
      "a candidate that looks worse within the margin", arm(12, 3000), arm(3, 3000),
      .looksWorse),
    CornerCase(
      "a single error in a million against none", arm(1, 1_000_000), arm(0, 1_000_000), .notWorse),
    CornerCase(
      "worse by more than the margin, not shown to be worse by the ratio",
      arm(130, 3000), arm(100, 3000), .marginNotShown),
    CornerCase("one percent against a tenth", arm(30, 3000), good, .moreErrors),
    CornerCase("the baseline is the worse one", good, arm(300, 3000), .notWorse),
    CornerCase(
      "a weight of 5 %", arm(3, 3000), arm(57, 57_000), .notWorse, weight: 5),
    CornerCase(
      "a weight of 5 %, ten times the errors", arm(30, 3000), arm(57, 57_000), .moreErrors,
      weight: 5),
    CornerCase("every error, and equally many", arm(500, 1000), arm(500, 1000), .marginNotShown),
  ]

  private static let guards = [
    CornerCase("twenty requests, all errors", arm(20, 20), arm(0, 20), .allErrors),
    CornerCase("twenty requests, all errors, no baseline", arm(20, 20), nil, .allErrors),
    CornerCase("nineteen requests, all errors, no baseline", arm(19, 19), nil, .tooFewRequests),
    CornerCase(
      "all errors, and the only request of the baseline, too", arm(20, 20), arm(1, 1), .allErrors,
      weight: 95),
    CornerCase("both arms answer nothing but errors", arm(500, 500), arm(500, 500), .environment),
    CornerCase("above the SLO", arm(60, 3000), arm(35, 3000), .errorsOverCeiling, .withCeiling),
    CornerCase(
      "above the SLO, no baseline", arm(60, 3000), nil, .errorsOverCeiling, .withCeiling),
    CornerCase("both above the SLO", arm(300, 3000), arm(290, 3000), .environment, .withCeiling),
    CornerCase(
      "all errors, and a baseline above the SLO", arm(20, 20), arm(9, 20), .environment,
      .withCeiling),
    CornerCase(
      "both above the SLO, but one far worse", arm(1500, 3000), arm(300, 3000), .moreErrors,
      .withCeiling),
    CornerCase(
      "a repair: the baseline is above the SLO", arm(0, 3000), arm(300, 3000), .notWorse,
      .withCeiling),
    CornerCase(
      "readiness lost", good, good, .readinessLost, faults: [.readinessLost]),
    CornerCase("a crash loop without any data", nil, nil, .crashLoop, faults: [.crashLoop]),
    CornerCase("a third of the requests at a weight of half", arm(1, 1000), arm(2, 2000), .routing),
    CornerCase(
      "a third of the requests at a weight of half, where some come beside it",
      arm(1000, 1_000_000), arm(2000, 2_000_000), .notWorse,
      AnalysisPolicy(routingSlackPercent: nil)),
    CornerCase(
      "a share that weights cannot hit exactly", arm(1000, 1_000_000), arm(1020, 1_020_000),
      .notWorse),
  ]

  private static let metrics = [
    CornerCase(
      "latency is to be judged, and is not measured", good, good, .noLatency,
      .withLatency),
    CornerCase("latency of one arm only", arm(3, 3000, slow: 3), good, .noLatency, .withLatency),
    CornerCase(
      "latency as good", arm(3, 3000, slow: 3), arm(3, 3000, slow: 3), .notWorse, .withLatency),
    CornerCase(
      "no more errors, but slow", arm(3, 3000, slow: 120), arm(3, 3000, slow: 30), .moreSlow,
      .withLatency),
    CornerCase(
      "slower than the SLO allows", arm(3, 3000, slow: 300), arm(3, 3000, slow: 210),
      .slowOverCeiling, AnalysisPolicy(slow: ShareLimits(margin: 0.2, ceiling: 0.075))),
    CornerCase(
      "a rate inside", good, good, .notWorse, rates: RateMeasurement.reading(0.5),
      .demanding(maximum: 1)),
    CornerCase(
      "a rate at its bound", good, good, .notWorse, rates: RateMeasurement.reading(1),
      .demanding(minimum: 1, maximum: 1)),
    CornerCase(
      "a rate above", good, good, .rateOutOfBounds, rates: RateMeasurement.reading(1.5),
      .demanding(maximum: 1)),
    CornerCase(
      "a rate below", good, good, .rateOutOfBounds, rates: RateMeasurement.reading(0.5),
      .demanding(minimum: 1)),
    CornerCase(
      "NaN", good, good, .noRate, rates: RateMeasurement.reading(.nan),
      .demanding(maximum: 1)),
    CornerCase(
      "infinity is no failure either", good, good, .noRate,
      rates: RateMeasurement.reading(.infinity), .demanding(maximum: 1)),
    CornerCase(
      "a negative rate", good, good, .noRate, rates: RateMeasurement.reading(-0.1),
      .demanding(maximum: 1)),
    CornerCase(
      "a number that may be negative", good, good, .notWorse,
      rates: RateMeasurement.reading(-0.1), .demanding(minimum: -1, maximum: 1)),
    CornerCase(
      "no answer to a query", good, good, .noRate, rates: RateMeasurement.reading(nil),
      .demanding(maximum: 1)),
    CornerCase("a query that was not made", good, good, .noRate, .demanding(maximum: 1)),
    CornerCase(
      "one of two answers is no number", good, good, .noRate,
      rates: RateMeasurement.reading(0.5) + RateMeasurement.reading(.nan),
      .demanding(maximum: 1)),
    CornerCase(
      "a policy of nonsense", good, good, .policy,
      AnalysisPolicy(alpha: .nan, errors: ShareLimits(ratio: 0, margin: 0))),
  ]

  @Test(arguments: nothing + counters + time + shares + guards + metrics)
  func `each corner has its one right answer`(_ corner: CornerCase) {
    let judgement = Judge.judge(corner.measurements, corner.policy)
    #expect(judgement.cause == corner.cause, "\(judgement.reasons)")
    #expect(judgement.verdict == corner.cause.verdict)
    #expect(
      judgement.verdict.permitsPromotion == [.notWorse, .noTrafficAllowed].contains(corner.cause))
    #expect(judgement.findings.allSatisfy { $0.cause.verdict <= judgement.verdict })
  }
}
