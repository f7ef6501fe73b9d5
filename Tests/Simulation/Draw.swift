import Model
import Support

extension Schedule {
  /// Swarm style: each seed draws its own mix of faults, so that rare ones meet undisturbed.
  package init(seed: UInt64) {
    var random = SplitMix(seed: mix(seed) | 1)
    self.init(seed: seed, setup: Setup(drawing: &random), length: 7000 + random.below(12_000))
    drawHappenings(&random)
    drawWindows(&random)
  }

  private mutating func drawHappenings(_ random: inout SplitMix) {
    // A third of all kinds may happen in this schedule; commits always do.
    var kinds = Happening.Event.allCases.filter { _ in random.below(3) == 0 }
    kinds += [.bump, .bump, .revert]
    if random.below(2) == 0 { kinds += [.kill, .killAtNextEffect] }
    let count = 2 + random.below(10)
    // Most things happen once the first version serves; some while it is launched.
    let begin = random.below(4) == 0 ? 0 : 2500 + setup.launchMilliseconds
    for _ in 0..<count {
      happenings.append(
        Happening(
          at: begin + random.below(length - begin), event: random.pick(kinds),
          target: random.below(setup.targets.count), draw: random.below(1 << 20)))
    }
    happenings.sort { ($0.at, $0.draw) < ($1.at, $1.draw) }
  }

  private mutating func drawWindows(_ random: inout SplitMix) {
    for _ in 0..<random.pick([0, 1, 2, 4, 6]) {
      let from = random.below(length)
      let part = random.pick(Part.allCases)
      // A listing that travels in time breaks the contract of today's platforms; see README.md.
      let fault = random.pick(CallFault.allCases.filter { $0 != .stale })
      windows.append(
        Window(
          fault: fault, part: part, from: from,
          until: min(length, from + 300 + random.below(7000)),
          permille: random.pick([50, 300, 700, 1000]),
          size: random.pick([100, 700, 3000])))
    }
  }
}
