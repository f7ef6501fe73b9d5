import Analysis
import Testing

@Suite struct EvidenceTests {
  struct Reference: Sendable {
    var hits: Int
    var misses: Int
    var threshold: Double
    /// By quadrature with forty digits, in another language.
    var logarithm: Double
  }

  private static let references = [
    Reference(hits: 0, misses: 0, threshold: 0.6, logarithm: 0),
    Reference(hits: 1, misses: 0, threshold: 0.6, logarithm: 0.28768207245178095),
    Reference(hits: 12, misses: 0, threshold: 0.6, logarithm: 4.4799419365508992),
    Reference(hits: 30, misses: 3, threshold: 0.6, logarithm: 6.859041293243156),
    Reference(hits: 3, misses: 30, threshold: 0.6, logarithm: -3.3709422037685553),
    Reference(hits: 0, misses: 500, threshold: 0.6, logarithm: -6.2166061010848648),
    Reference(hits: 600, misses: 400, threshold: 0.6, logarithm: -3.0329768704700191),
    Reference(hits: 700, misses: 300, threshold: 0.6, logarithm: 19.201195886597254),
    Reference(hits: 5, misses: 3, threshold: 1 / 67, logarithm: 14.861038337448196),
    Reference(hits: 1_000_000, misses: 600_000, threshold: 0.6, logarithm: 2092.8488929879144),
    Reference(
      hits: 1_002_000, misses: 998_998_000, threshold: 0.001, logarithm: -10.917361394759507),
    Reference(
      hits: 1_000_000_000, misses: 1_000_000_000, threshold: 0.5, logarithm: -10.482415156483451),
    Reference(
      hits: 500_050_000, misses: 499_950_000, threshold: 0.5, logarithm: -4.4434773902825296),
    Reference(hits: 1_000_000_000, misses: 0, threshold: 0.6, logarithm: 510825603.95901561),
    Reference(
      hits: 1_000_000_000_000, misses: 1_000_000_000_000, threshold: 0.5,
      logarithm: -13.936292795599894),
  ]

  @Test(arguments: references)
  func `the evidence is what forty digits give, from no request to 10^12`(_ case: Reference) {
    let found = Evidence.logarithm(
      hits: `case`.hits, misses: `case`.misses, above: Threshold(`case`.threshold))
    #expect(abs(found - `case`.logarithm) <= 1e-9 * max(1, abs(`case`.logarithm)))
  }

  /// What makes it safe to look at any time: at the threshold, the next draw is a fair bet.
  @Test(arguments: [0.015, 0.4, 0.6, 0.99])
  func `at the threshold the next draw changes nothing on average, below it loses`(_ share: Double)
  {
    for hits in [0, 1, 7, 50, 400, 100_000] {
      for misses in [0, 1, 9, 60, 500, 200_000] {
        func log(_ more: Int, _ others: Int) -> Double {
          Evidence.logarithm(hits: hits + more, misses: misses + others, above: Threshold(share))
        }
        let (hit, miss) = (ratio(log(1, 0), log(0, 0)), ratio(log(0, 1), log(0, 0)))
        #expect(abs(share * hit + (1 - share) * miss - 1) < 1e-6)
        #expect(0.9 * share * hit + (1 - 0.9 * share) * miss < 1)
      }
    }
  }

  private func ratio(_ next: Double, _ now: Double) -> Double { exponential(next - now) }

  /// Without a mathematical library: (1 + x/2^30)^(2^30).
  private func exponential(_ x: Double) -> Double {
    var value = 1 + x / 0x1p30
    for _ in 0..<30 { value *= value }
    return value
  }

  @Test func `more hits are more evidence, more misses are less`() {
    for count in [0, 1, 5, 50, 500, 5000] {
      let here = Evidence.logarithm(hits: count, misses: count, above: Threshold(0.6))
      #expect(
        Evidence.logarithm(hits: count + 1, misses: count, above: Threshold(0.6)) > here)
      #expect(
        Evidence.logarithm(hits: count, misses: count + 1, above: Threshold(0.6)) < here)
    }
  }

  @Test func `no threshold, no evidence`() {
    #expect(Evidence.logarithm(hits: 5, misses: 5, above: Threshold(0)) == 0)
    #expect(Evidence.logarithm(hits: 5, misses: 5, above: Threshold(1)) == 0)
    #expect(Evidence.logarithm(hits: 5, misses: 5, above: Threshold(0, beside: 0)) == 0)
  }
}

@Suite struct ConfidenceBoundTests {
  @Test func `a bound is where the evidence reaches 1 in alpha`() {
    for (hits, misses) in [(0, 300), (3, 2997), (40, 60), (999, 1), (0, 1_000_000_000)] {
      let bound = ConfidenceBound.upper(hits: hits, misses: misses, alpha: 0.005)
      func evidence(_ share: Double) -> Double {
        Evidence.logarithm(
          hits: misses, misses: hits, above: Threshold(1 - share, beside: share))
      }
      let needed = 5.298317366548036  // ln 200
      #expect(bound < 1)
      #expect(evidence(bound) >= needed)
      #expect(evidence(bound * 0.999) < needed)
    }
  }

  @Test func `bounds enclose what was observed, and close in`() {
    var width = 2.0
    for requests in [1, 10, 100, 10_000, 1_000_000, 1_000_000_000] {
      let hits = requests / 10
      let upper = ConfidenceBound.upper(hits: hits, misses: requests - hits, alpha: 0.01)
      let lower = ConfidenceBound.lower(hits: hits, misses: requests - hits, alpha: 0.01)
      #expect(lower <= Double(hits) / Double(requests) && Double(hits) / Double(requests) < upper)
      #expect(upper - lower < width)
      width = upper - lower
    }
    #expect(width < 1e-3)
  }

  @Test func `nothing is known of nothing`() {
    #expect(ConfidenceBound.upper(hits: 0, misses: 0, alpha: 0.01) == 1)
    #expect(ConfidenceBound.lower(hits: 0, misses: 0, alpha: 0.01) == 0)
    #expect(ConfidenceBound.upper(hits: 1000, misses: 0, alpha: 0.01) == 1)
    #expect(ConfidenceBound.lower(hits: 0, misses: 1000, alpha: 0.01) == 0)
  }

  /// The exact probability, by a recursion over all counts: no simulation, no luck.
  @Test(arguments: [0.02, 0.1, 0.5])
  func `a share is ever above its bound with a probability of at most alpha`(_ share: Double) {
    let (alpha, draws) = (0.05, 300)
    var alive: [Int: Double] = [0: 1]
    var broken = 0.0
    for draw in 1...draws {
      var next: [Int: Double] = [:]
      for (hits, mass) in alive {
        next[hits + 1, default: 0] += mass * share
        next[hits, default: 0] += mass * (1 - share)
      }
      for (hits, mass) in next
      where ConfidenceBound.upper(hits: hits, misses: draw - hits, alpha: alpha) < share {
        broken += mass
        next[hits] = nil
      }
      alive = next
    }
    #expect(broken <= alpha)
    #expect(broken > alpha / 20, "a bound that is never broken is not tight: \(broken)")
  }
}
