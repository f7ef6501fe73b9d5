import Model

/// Makes a schedule that fails as small as it gets while it still breaks the same invariant.
package struct Shrinker {
  /// The invariant's number, such as `S2`.
  private let invariant: String
  package private(set) var schedule: Schedule
  package private(set) var runs = 0

  /// nil: it does not fail.
  package init?(_ schedule: Schedule) {
    guard let first = Simulation(schedule).run().violations.first else { return nil }
    self.schedule = schedule
    invariant = Self.number(first)
  }

  /// Leaves out one thing after another, from large to small, until nothing more can go.
  package mutating func run() {
    var before = -1
    while before != size {
      before = size
      dropWindows()
      dropHappenings()
      simplify()
    }
  }

  private var size: Int { schedule.happenings.count + schedule.windows.count }

  private mutating func dropWindows() {
    for index in schedule.windows.indices.reversed() {
      attempt { $0.windows.remove(at: index) }
    }
  }

  private mutating func dropHappenings() {
    var step = max(1, schedule.happenings.count / 2)
    while step > 0 {
      var begin = schedule.happenings.count - step
      while begin >= 0 {
        attempt { $0.happenings.removeSubrange(begin..<begin + step) }
        begin -= step
      }
      step /= 2
    }
  }

  /// The setup becomes what it is without a draw, part by part.
  private mutating func simplify() {
    attempt { $0.setup.shuffle = 0 }
    attempt { $0.setup.latencyMilliseconds = 0 }
    attempt { $0.setup.propagationMilliseconds = 0 }
    attempt { $0.setup.launchesOnlyWhenAsked = false }
    attempt { $0.setup.sessionMilliseconds = 0 }
    for index in schedule.setup.targets.indices.reversed() where index > 0 {
      let isUsed = schedule.happenings.contains { $0.target == index }
      if !isUsed, index == schedule.setup.targets.count - 1 {
        attempt { schedule in
          let gone = schedule.setup.targets.removeLast().target
          for other in schedule.setup.targets.indices {
            schedule.setup.targets[other].dependsOn.removeAll { $0 == gone }
          }
        }
      }
    }
    for index in schedule.setup.targets.indices {
      attempt { $0.setup.targets[index].hasSecret = false }
      attempt { $0.setup.targets[index].instances = 1 }
    }
  }

  private mutating func attempt(_ change: (inout Schedule) -> Void) {
    var smaller = schedule
    change(&smaller)
    runs += 1
    guard let first = Simulation(smaller).run().violations.first, Self.number(first) == invariant
    else { return }
    schedule = smaller
  }

  private static func number(_ violation: String) -> String {
    String(violation.prefix { $0 != ":" })
  }
}
