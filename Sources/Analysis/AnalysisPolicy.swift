/// What a candidate must show, and what fails it. The defaults are those of docs/analysis.md.
package struct AnalysisPolicy: Hashable, Codable, Sendable {
  package enum NoTraffic: String, Hashable, Codable, Sendable, CaseIterable {
    /// Nothing was shown, so nothing passes.
    case hold
    /// A step in which nobody asked anything may be promoted, as `unjudged`.
    case allow
  }

  /// How often a candidate that is not worse may fail, over all looks and all tests together.
  package var alpha: Double
  package var errors: ShareLimits
  /// Requests slower than the SLO latency; nil: latency is not judged.
  package var slow: ShareLimits?
  package var rates: [RateLimit]
  /// No candidate passes with fewer requests, however good the bounds look.
  package var minimumRequests: Int
  /// No candidate passes in less watched time.
  package var minimumWatched: Duration
  /// So many requests, all of them errors, need no comparison.
  package var allErrorsRequests: Int
  package var noTraffic: NoTraffic
  /// How improbable a split of the requests must be to count as broken routing.
  package var routingAlpha: Double
  /// How far the split may be from the weight, in percentage points: routers round weights. nil: some
  /// requests come beside the weight, and any split may be.
  package var routingSlackPercent: Double?

  package init(
    alpha: Double = 0.01, errors: ShareLimits = ShareLimits(), slow: ShareLimits? = nil,
    rates: [RateLimit] = [], minimumRequests: Int = 300, minimumWatched: Duration = .seconds(60),
    allErrorsRequests: Int = 20, noTraffic: NoTraffic = .hold, routingAlpha: Double = 0.001,
    routingSlackPercent: Double? = 1
  ) {
    self.alpha = alpha
    self.errors = errors
    self.slow = slow
    self.rates = rates
    self.minimumRequests = minimumRequests
    self.minimumWatched = minimumWatched
    self.allErrorsRequests = allErrorsRequests
    self.noTraffic = noTraffic
    self.routingAlpha = routingAlpha
    self.routingSlackPercent = routingSlackPercent
  }
}

/// Limits for a share of requests: those with errors, or the slow ones.
package struct ShareLimits: Hashable, Codable, Sendable {
  /// Fails when the candidate's share is shown to be more than so many times the baseline's.
  package var ratio: Double
  /// Passes when the candidate's share is shown to be less than so much above the baseline's:
  /// 0.01 is one percentage point.
  package var margin: Double
  /// What the SLO allows. Fails when the candidate is shown to be above; nil: no such test.
  package var ceiling: Double?

  package init(ratio: Double = 1.5, margin: Double = 0.01, ceiling: Double? = nil) {
    self.ratio = ratio
    self.margin = margin
    self.ceiling = ceiling
  }
}

/// Bounds for a number of a metrics provider. One reading outside fails: it is a guard, not a
/// statistical test, and staying inside shows nothing.
package struct RateLimit: Hashable, Codable, Sendable {
  package var name: String
  package var minimum: Double?
  package var maximum: Double?

  package init(name: String, minimum: Double? = nil, maximum: Double? = nil) {
    self.name = name
    self.minimum = minimum
    self.maximum = maximum
  }
}

extension AnalysisPolicy {
  /// Tests that can fail a candidate by chance: they share `alpha`. Decided by the policy alone,
  /// not by what happens to be measured, or the sum would depend on the data.
  package var testCount: Int {
    [errors, slow].compactMap { $0 }.reduce(0) { $0 + ($1.ceiling == nil ? 1 : 2) }
  }

  /// What one test may spend of `alpha`.
  package var alphaEach: Double { alpha / Double(testCount) }

  /// Requests of the candidate without which nothing passes. By the rule of three, no error in
  /// 3/margin requests only just shows a share below the margin, and that at 95 %.
  package var neededRequests: Int {
    let margin = min(errors.margin, slow?.margin ?? 1)
    return max(minimumRequests, Int((3 / margin).rounded(.up)))
  }

  /// nil: that metric is not judged.
  func limits(of metric: Comparison.Metric) -> ShareLimits? {
    switch metric {
    case .errors: errors
    case .slow: slow
    }
  }

  /// Why nobody can be judged by it; empty when it is sound.
  package var problems: [String] {
    var found: [String] = []
    func demand(_ isSound: Bool, _ problem: String) { if !isSound { found.append(problem) } }
    demand(alpha >= 1e-9 && alpha <= 0.5, "alpha must be from 1e-9 to 0.5")
    demand(
      routingAlpha >= 1e-9 && routingAlpha <= 0.5, "routingAlpha must be from 1e-9 to 0.5")
    demand(
      (0...50).contains(routingSlackPercent ?? 0),
      "routingSlackPercent must be from 0 to 50")
    demand(minimumRequests >= 1, "minimumRequests must be at least 1")
    demand(allErrorsRequests >= 10, "allErrorsRequests must be at least 10")
    demand(minimumWatched >= .zero, "minimumWatched must not be negative")
    found += errors.problems.map { "errors: \($0)" }
    found += (slow?.problems ?? []).map { "slow: \($0)" }
    for limit in rates where !limit.isSound {
      found.append("rate \(limit.name): needs a minimum or a maximum, finite and in order")
    }
    return found
  }
}

extension ShareLimits {
  fileprivate var problems: [String] {
    var found: [String] = []
    // Below 1 an equal candidate would fail; the bounds also keep every number finite.
    if !(ratio >= 1 && ratio <= 1000) { found.append("ratio must be from 1 to 1,000") }
    if !(margin >= 1e-9 && margin < 1) { found.append("margin must be from 1e-9 to below 1") }
    if let ceiling, !(ceiling >= 1e-9 && ceiling < 1) {
      found.append("ceiling must be from 1e-9 to below 1")
    }
    return found
  }
}

extension RateLimit {
  fileprivate var isSound: Bool {
    guard minimum != nil || maximum != nil else { return false }
    let low = minimum ?? -.greatestFiniteMagnitude
    let high = maximum ?? .greatestFiniteMagnitude
    return low.isFinite && high.isFinite && low <= high
  }

  /// What is wrong with a measurement; nil when it is inside.
  func finding(_ measurement: RateMeasurement) -> Finding? {
    let words = measurement.words.map { ": \($0)" } ?? ""
    return switch measurement.value {
    case .missing: Finding(.noRate, "\(name): the provider gave no number")
    case .notANumber(let text): Finding(.noRate, "\(name): \(text) is no number")
    case .number(let number) where !isCredible(number):
      Finding(.noRate, "\(name): \(number.text) cannot be true")
    case .number(let number) where number < minimum ?? number:
      Finding(.rateOutOfBounds, "\(name) is \(number.text), below \((minimum ?? 0).text)\(words)")
    case .number(let number) where number > maximum ?? number:
      Finding(.rateOutOfBounds, "\(name) is \(number.text), above \((maximum ?? 0).text)\(words)")
    case .number: nil
    }
  }

  /// A negative number is nonsense for a rate, a latency or a count, unless a bound is negative.
  private func isCredible(_ value: Double) -> Bool {
    value.isFinite && (value >= 0 || (minimum ?? 0) < 0 || (maximum ?? 0) < 0)
  }
}
