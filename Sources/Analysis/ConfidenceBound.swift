import Glibc

/// Bounds that hold at every look at once: the share is *ever* outside with a probability of at
/// most α. Each is a test turned around: all shares that the evidence has not refuted.
package enum ConfidenceBound {
  /// The share is below this.
  package static func upper(hits: Int, misses: Int, alpha: Double) -> Double {
    let needed = log(1 / alpha)
    // "Below p" for hits is "above 1 − p" for misses.
    func isRefuted(_ share: Double) -> Bool {
      let threshold = Threshold(share).opposite
      return Evidence.logarithm(hits: misses, misses: hits, above: threshold) >= needed
    }
    let requests = Double(hits) + Double(misses)
    guard requests > 0, misses > 0 else { return 1 }
    // E grows with the share: with g the log likelihood, E = mean over u in (0,1) of
    // exp(g(u·p) − g(p)), and p·g'(p) = hits − misses·p/(1−p) falls. So there is one crossing.
    let observed = Double(hits) / requests
    var low = observed
    var step = 1 / requests
    while low + step < 1, !isRefuted(low + step) {
      low += step
      step *= 2
    }
    var high = min(1, low + step)
    // The refuted end is returned, so that what is not exact is on the safe side.
    for _ in 0..<24 {
      let middle = low + (high - low) / 2
      if isRefuted(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// The share is above this.
  package static func lower(hits: Int, misses: Int, alpha: Double) -> Double {
    1 - upper(hits: misses, misses: hits, alpha: alpha)
  }
}
