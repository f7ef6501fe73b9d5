import Model
import Support

extension Schedule {
  /// Swarm style: each seed draws its own mix of faults, so that rare ones meet undisturbed.
  ///
  /// Seven of eight are short: mostly one target, and little that happens to it, so that many of them are run
  /// in the time of a long one. What needs a long history comes in the eighth.
  package init(seed: UInt64) {
    var random = SplitMix(seed: mix(seed) | 1)
    let isShort = seed % 8 != 0
    let setup = Setup(drawing: &random, isShort: isShort)
    let begin = setup.launchMilliseconds + setup.startMilliseconds
    let length = isShort ? begin + 2000 + random.below(2000) : 7000 + random.below(12_000)
    self.init(seed: seed, setup: setup, length: length)
    drawHappenings(
      &random, from: begin + (isShort ? 700 : 2000),
      count: isShort ? 1 + random.below(3) : 2 + random.below(10))
    drawWindows(&random, count: random.pick(isShort ? [0, 0, 1, 2] : [0, 1, 2, 4, 6]))
  }

  /// `begin`: when the first version may serve.
  private mutating func drawHappenings(_ random: inout SplitMix, from begin: Moment, count: Int) {
    // A third of all kinds may happen in this schedule; commits always do.
    var kinds = Happening.Event.allCases.filter { _ in random.below(3) == 0 }
    kinds += [.bump, .bump, .revert]
    if random.below(2) == 0 { kinds += [.kill, .killAtNextEffect] }
    // Most things happen once the first version serves; some while it is launched.
    let begin = random.below(4) == 0 ? 0 : min(begin, length / 2)
    for _ in 0..<count {
      happenings.append(
        Happening(
          at: begin + random.below(length - begin), event: random.pick(kinds),
          target: random.below(setup.targets.count), draw: random.below(1 << 20)))
    }
    happenings.sort { ($0.at, $0.draw) < ($1.at, $1.draw) }
  }

  private mutating func drawWindows(_ random: inout SplitMix, count: Int) {
    for _ in 0..<count {
      let from = random.below(length)
      let part = random.pick(Part.allCases)
      let fault = random.pick(CallFault.allCases)
      windows.append(
        Window(
          fault: fault, part: part, from: from,
          until: min(length, from + 300 + random.below(7000)),
          permille: random.pick([50, 300, 700, 1000]),
          size: random.pick([100, 700, 3000])))
    }
  }
}
