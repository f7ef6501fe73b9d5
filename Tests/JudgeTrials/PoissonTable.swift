import Glibc

/// Draws from a Poisson distribution by its cumulative table: exact to the last digits of a Double,
/// and as fast for 3,000 as for 3.
package struct PoissonTable: Sendable {
  private let first: Int
  private let cumulative: [Double]

  package init(mean: Double) {
    guard mean > 0 else {
      (first, cumulative) = (0, [1])
      return
    }
    let mode = Int(mean)
    // Relative to the mode, outward until nothing is left that a Double could see.
    var below: [Double] = []
    var weight = 1.0
    var count = mode
    while count > 0, weight > 1e-18 {
      weight *= Double(count) / mean
      below.append(weight)
      count -= 1
    }
    first = mode - below.count
    var weights = Array(below.reversed()) + [1]
    weight = 1
    count = mode
    while weight > 1e-18 {
      count += 1
      weight *= mean / Double(count)
      weights.append(weight)
    }
    let total = weights.reduce(0, +)
    var sum = 0.0
    cumulative = weights.map {
      sum += $0 / total
      return sum
    }
  }

  package func draw(_ random: inout TrialRandom) -> Int {
    let share = random.share()
    var (low, high) = (0, cumulative.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > share { high = middle } else { low = middle + 1 }
    }
    return first + low
  }
}

/// SplitMix64 (Steele, Lea and Flood): every seed gives its own sequence, the same everywhere.
package struct TrialRandom: Sendable {
  private var state: UInt64
  package init(seed: UInt64) { state = seed }

  /// In [0, 1).
  mutating func share() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((bits ^ (bits >> 31)) >> 11) * 0x1p-53
  }
}
