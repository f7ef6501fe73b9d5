/// Everything that one look at a candidate knows. Counts are cumulative since the analysis began,
/// so a look that was missed or came late costs nothing, and one judgement needs no other look.
package struct Measurements: Hashable, Codable, Sendable {
  /// nil: the provider gave nothing. An arm that served nothing is not nil.
  package var candidate: ArmCounts?
  /// The stack that the candidate is compared with, over the same time: stable or, better, a fresh
  /// stack of the old digest.
  package var baseline: ArmCounts?
  /// The candidate's share of the requests to both arms that the router was told to give it. It
  /// must not change within an analysis: begin a new one at every step.
  package var candidateWeightPercent: Int
  package var rates: [RateMeasurement]
  package var faults: [CandidateFault]
  /// How long somebody watched, accumulated by the caller; not what a clock on the wall says.
  package var watched: Duration

  package init(
    candidate: ArmCounts?, baseline: ArmCounts?, candidateWeightPercent: Int = 50,
    rates: [RateMeasurement] = [], faults: [CandidateFault] = [], watched: Duration
  ) {
    self.candidate = candidate
    self.baseline = baseline
    self.candidateWeightPercent = candidateWeightPercent
    self.rates = rates
    self.faults = faults
    self.watched = watched
  }
}

/// What one arm has served since the analysis began: raw, cumulative, never averaged.
package struct ArmCounts: Hashable, Codable, Sendable {
  package var requests: Int
  /// Answers that count against the stack, refused connections and timeouts included.
  package var errors: Int
  /// Requests slower than the SLO latency; nil: not measured.
  package var slow: Int?

  package init(requests: Int, errors: Int, slow: Int? = nil) {
    self.requests = requests
    self.errors = errors
    self.slow = slow
  }
}

/// One number of a metrics provider.
package struct RateMeasurement: Hashable, Codable, Sendable {
  package enum Value: Hashable, Codable, Sendable {
    case number(Double)
    /// `nan`, `inf`: kept as text, since JSON has no such numbers and NaN equals nothing.
    case notANumber(String)
    case missing
  }

  package var name: String
  package var value: Value
  /// What the provider says of it; nil: nothing.
  package var words: String?

  /// `value`: as the provider gave it, whatever it is.
  package init(name: String, value: Double?, words: String? = nil) {
    self.name = name
    self.words = words
    self.value =
      switch value {
      case nil: .missing
      case .some(let number) where number.isFinite: .number(number)
      case .some(let other): .notANumber("\(other)")
      }
  }
}

/// What others saw of the candidate; each fails it, whatever the traffic says.
package enum CandidateFault: String, Hashable, Codable, Sendable, CaseIterable {
  /// An instance that was ready is not ready any more.
  case readinessLost
  case crashLoop
}

extension ArmCounts {
  /// A million requests a second for eleven days. A greater number is a broken counter, and up to
  /// here sums cannot overflow and every sum of logarithms stays exact enough.
  static let greatest = 1_000_000_000_000

  /// Why the counts cannot be true; nil when they can.
  var flaw: String? {
    let slow = slow ?? 0
    if requests < 0 || errors < 0 || slow < 0 { return "a counter went backwards" }
    if requests > Self.greatest { return "more requests than any router serves" }
    if errors > requests || slow > requests { return "a part is more than all requests" }
    return nil
  }

  var areAllErrors: Bool { requests > 0 && errors == requests }
}
