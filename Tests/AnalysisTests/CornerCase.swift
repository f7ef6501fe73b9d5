import Analysis
import Testing

/// A situation, and the only right answer to it.
struct CornerCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var measurements: Measurements
  var policy: AnalysisPolicy
  var cause: Cause

  init(
    _ name: String, _ candidate: ArmCounts?, _ baseline: ArmCounts?, _ cause: Cause,
    weight: Int = 50, rates: [RateMeasurement] = [], faults: [CandidateFault] = [],
    watched: Duration = .seconds(600), _ policy: AnalysisPolicy = AnalysisPolicy()
  ) {
    testDescription = name
    measurements = Measurements(
      candidate: candidate, baseline: baseline, candidateWeightPercent: weight, rates: rates,
      faults: faults, watched: watched)
    self.policy = policy
    self.cause = cause
  }
}

/// So many errors in so many requests, and so many slow ones.
func arm(_ errors: Int, _ requests: Int, slow: Int? = nil) -> ArmCounts {
  ArmCounts(requests: requests, errors: errors, slow: slow)
}

extension AnalysisPolicy {
  static let withLatency = AnalysisPolicy(slow: ShareLimits())
  /// An SLO of 1 % errors.
  static let withCeiling = AnalysisPolicy(errors: ShareLimits(ceiling: 0.01))
  static let allowing = AnalysisPolicy(noTraffic: .allow)

  static func demanding(minimum: Double? = nil, maximum: Double? = nil) -> AnalysisPolicy {
    AnalysisPolicy(rates: [RateLimit(name: "rate", minimum: minimum, maximum: maximum)])
  }
}

extension RateMeasurement {
  static func reading(_ value: Double?) -> [RateMeasurement] {
    [RateMeasurement(name: "rate", value: value)]
  }
}
