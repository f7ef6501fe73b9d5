import Glibc

/// How strongly counts say that a share is above a threshold, however often one looks.
///
/// The e-value is the likelihood of the counts, averaged over all shares above the threshold (a
/// Beta(1,1) prior cut off there), divided by the likelihood at the threshold. While the true share
/// is at or below the threshold, and the same at every draw, it is a supermartingale that begins
/// with 1: by Ville's inequality it *ever* reaches 1/α with a probability of at most α.
///
///     E = ∫ over θ from t to 1 of (θ/t)^hits · ((1−θ)/(1−t))^misses dθ / (1−t)
///
/// It depends on nothing but the counts, so that a look needs no memory of those before.
package enum Evidence {
  /// The natural logarithm of E: E itself leaves the range of Double at a few hundred errors.
  package static func logarithm(hits: Int, misses: Int, above threshold: Threshold) -> Double {
    guard threshold.share > 0, threshold.complement > 0 else { return 0 }
    let a = Double(hits) + 1
    let b = Double(misses) + 1
    // The integral is a Beta function times one of its tails. Of the two tails the smaller one has
    // a continued fraction that converges fast; on this side the binomial terms cancel.
    if threshold.complement < (b + 1) / (a + b + 2) {
      let fraction = BetaFraction.value(b, a, threshold.complement)
      return log(threshold.share / b) + log(fraction)
    }
    let density = Binomial.logarithm(hits: hits, misses: misses, threshold)
    let draws = log(a + b - 1)
    let front = draws + density + log(threshold.share) + log(threshold.complement) - log(a)
    let below = exp(front) * BetaFraction.value(a, b, threshold.share)
    return log1p(-min(below, 1)) - draws - density - log(threshold.complement)
  }
}

/// A share and what is missing to 1, each exact: near 1 a difference would lose its digits.
package struct Threshold: Hashable, Sendable {
  package var share: Double
  package var complement: Double

  package init(_ share: Double) {
    self.share = share
    self.complement = 1 - share
  }

  /// The share of the first of two parts.
  package init(_ part: Double, beside other: Double) {
    self.share = part / (part + other)
    self.complement = other / (part + other)
  }

  var opposite: Threshold { Threshold(complement, beside: share) }
}

/// The continued fraction of the incomplete Beta function, by Lentz's method.
private enum BetaFraction {
  /// For x < (a+1)/(a+b+2) it needs about √max(a,b) rounds: a million at `ArmCounts.greatest`.
  private static let rounds = 4_000_000
  private static let precision = 1e-14

  static func value(_ a: Double, _ b: Double, _ x: Double) -> Double {
    var c = 1.0
    var d = 1 / nonZero(1 - (a + b) * x / (a + 1))
    var result = d
    for round in 1...rounds {
      let m = Double(round)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / nonZero(1 + even * d)
      c = nonZero(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / nonZero(1 + odd * d)
      c = nonZero(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < precision { break }
    }
    return result
  }

  private static func nonZero(_ value: Double) -> Double {
    abs(value) < 1e-300 ? 1e-300 : value
  }
}

/// The binomial probability, by Loader's saddle-point expansion: log-gamma differences lose all
/// digits at 10^9 draws, deviances do not.
private enum Binomial {
  static func logarithm(hits: Int, misses: Int, _ threshold: Threshold) -> Double {
    let (x, y) = (Double(hits), Double(misses))
    let n = x + y
    if hits == 0 { return y * logarithm(threshold.complement, rest: threshold.share) }
    if misses == 0 { return x * logarithm(threshold.share, rest: threshold.complement) }
    let corrections = stirlingError(n) - stirlingError(x) - stirlingError(y)
    let deviances = deviance(x, n * threshold.share) + deviance(y, n * threshold.complement)
    return corrections - deviances + 0.5 * log(n / (2 * Double.pi * x * y))
  }

  private static func logarithm(_ share: Double, rest: Double) -> Double {
    rest < 0.5 ? log1p(-rest) : log(share)
  }

  /// x·log(x/mean) + mean − x, without the cancellation where x is near the mean.
  private static func deviance(_ x: Double, _ mean: Double) -> Double {
    guard abs(x - mean) < 0.1 * (x + mean) else { return x * log(x / mean) + mean - x }
    let v = (x - mean) / (x + mean)
    var sum = (x - mean) * v
    var term = 2 * x * v
    for power in stride(from: 3.0, to: 200, by: 2) {
      term *= v * v
      let next = sum + term / power
      if next == sum { break }
      sum = next
    }
    return sum
  }

  /// log n! minus Stirling's formula.
  private static func stirlingError(_ n: Double) -> Double {
    if n < 16 {
      let factorial = stride(from: 2, through: n, by: 1).reduce(0) { $0 + log($1) }
      return factorial - (n + 0.5) * log(n) + n - 0.5 * log(2 * Double.pi)
    }
    let square = n * n
    return (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - 1 / (1680 * square)) / square) / square) / n
  }
}
