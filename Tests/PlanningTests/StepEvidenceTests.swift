import Model
import Planning
import Testing

/// What counters grew by since a step began, however they come and go.
@Suite struct StepEvidenceTests {
  private func counts(_ requests: Int, _ errors: Int = 0) -> RequestCounts {
    RequestCounts(requests: requests, errors: errors)
  }

  @Test func `what was counted before the step is none of it`() {
    var evidence = StepEvidence()
    evidence.take(candidate: ["7/h0": counts(1000, 5)], stable: ["7/h1": counts(50, 1)])
    #expect(evidence.candidate == counts(0) && evidence.stable == counts(0))
    evidence.take(candidate: ["7/h0": counts(1010, 6)], stable: ["7/h1": counts(90, 1)])
    #expect(evidence.candidate == counts(10, 1) && evidence.stable == counts(40))
  }

  @Test func `a worker that comes later begins at zero, and one that ends takes nothing back`() {
    var evidence = StepEvidence()
    evidence.take(candidate: ["7/h0": counts(100)], stable: nil)
    evidence.take(candidate: ["7/h0": counts(110), "8/h0": counts(5, 1)], stable: nil)
    #expect(evidence.candidate == counts(15, 1))
    evidence.take(candidate: ["8/h0": counts(9, 2)], stable: nil)
    #expect(evidence.candidate == counts(19, 2))
    #expect(evidence.stable == nil)
  }

  @Test func `a counter that fell began anew`() {
    var evidence = StepEvidence()
    evidence.take(candidate: ["7/h0": counts(100, 9)], stable: nil)
    evidence.take(candidate: ["7/h0": counts(3, 1)], stable: nil)
    #expect(evidence.candidate == counts(3, 1))
  }

  @Test func `what was asked for by another split does not count`() {
    var evidence = StepEvidence()
    evidence.take(candidate: ["7/h0": counts(100)], stable: ["7/h1": counts(100)])
    evidence.take(
      candidate: ["7/h0": counts(900)], stable: ["7/h1": counts(200)], isCounted: false)
    evidence.take(candidate: ["7/h0": counts(910)], stable: ["7/h1": counts(290)])
    #expect(evidence.candidate == counts(10) && evidence.stable == counts(90))
  }

  @Test func `an arm that appears later is counted from then on`() {
    var evidence = StepEvidence()
    evidence.take(candidate: nil, stable: ["7/h1": counts(100)])
    evidence.take(candidate: ["7/h0": counts(70)], stable: ["7/h1": counts(110)])
    evidence.take(candidate: ["7/h0": counts(75)], stable: ["7/h1": counts(120)])
    #expect(evidence.candidate == counts(5) && evidence.stable == counts(20))
  }

  @Test func `of a metric only the newest answer counts`() {
    var evidence = StepEvidence()
    evidence.take(metrics: ["p99": .known(MetricReading(0.2))])
    evidence.take(metrics: ["p99": .unknown(reason: "no answer")])
    #expect(evidence.metrics["p99"] == .unknown(reason: "no answer"))
  }
}
