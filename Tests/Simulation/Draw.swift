import Model
import Support

extension Schedule {
  /// How much of a life a history sees.
  enum Size {
    /// The launch of one target, a thing or two that happen to it, and what becomes of them.
    case brief
    /// The same in full: retained stacks, longer bakes, two targets now and then.
    case short
    /// Several rollouts of up to three targets, and a dozen things that happen.
    case long

    init(_ seed: UInt64) { self = seed % 32 == 0 ? .long : seed % 8 == 0 ? .short : .brief }
  }

  /// Of many seeds every eighth is followed until nothing may happen any more, and so all that are not brief.
  package static func isFollowedToRest(_ seed: Int) -> Bool { seed % 8 == 0 }

  /// Swarm style: each seed draws its own mix of faults, so that rare ones meet undisturbed.
  ///
  /// Seven of eight are brief, so that many of them are run in the time of a long one: most bugs need one
  /// rollout and one fault that meets it. What needs more comes in the eighth.
  package init(seed: UInt64) {
    var random = SplitMix(seed: mix(seed) | 1)
    let size = Size(seed)
    let setup = Setup(drawing: &random, size)
    let begin = setup.launchMilliseconds + setup.startMilliseconds
    switch size {
    case .brief:
      self.init(seed: seed, setup: setup, length: begin + 1200 + random.below(1200))
      drawHappenings(&random, from: begin + 600, count: 1 + random.below(2))
      drawWindows(&random, count: random.pick([0, 0, 1]), upTo: 2000, sizes: [100, 300, 1000])
    case .short:
      self.init(seed: seed, setup: setup, length: begin + 2000 + random.below(2000))
      drawHappenings(&random, from: begin + 700, count: 1 + random.below(3))
      drawWindows(&random, count: random.pick([0, 0, 1, 2]), upTo: 7000, sizes: [100, 700, 3000])
    case .long:
      self.init(seed: seed, setup: setup, length: 7000 + random.below(12_000))
      drawHappenings(&random, from: begin + 2000, count: 2 + random.below(10))
      drawWindows(
        &random, count: random.pick([0, 1, 2, 4, 6]), upTo: 7000, sizes: [100, 700, 3000])
    }
    drawGroup(size)
  }

  /// What was drawn for one target may happen to each of a group.
  private mutating func drawGroup(_ size: Size) {
    var random = SplitMix(seed: mix(seed ^ 0x5109) | 1)
    let count = setup.targets.count
    setup.drawGroup(&random, size)
    guard setup.targets.count > count else { return }
    for index in happenings.indices {
      happenings[index].target = random.below(setup.targets.count)
    }
    length += setup.targets.map(\.bakeMilliseconds).max() ?? 0
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

  private mutating func drawWindows(
    _ random: inout SplitMix, count: Int, upTo longest: Int, sizes: [Int]
  ) {
    for _ in 0..<count {
      let from = random.below(length)
      let part = random.pick(Part.allCases)
      let fault = random.pick(CallFault.allCases)
      windows.append(
        Window(
          fault: fault, part: part, from: from,
          until: min(length, from + 300 + random.below(longest)),
          permille: random.pick([50, 300, 700, 1000]),
          size: random.pick(sizes)))
    }
  }
}
