import Model
import Planning

/// Goes through every state that the planner and its world can come to: all that one event can lead to,
/// then all that two can, and so on, each with everything that goes on by itself after it. What is found
/// wrong is found with the fewest events.
///
/// A state is kept as the number of the one before it and the move between, and made again when it is
/// its turn: neighbours share most of their way, so that costs about one move each.
struct Search {
  let bounds: SearchBounds
  let plan: World.Plan
  private var table: SearchTable
  private var parents: [UInt32] = []
  private var moves: [UInt16] = []
  private var depths: [UInt16] = []
  /// By state: where it goes when nothing happens any more; `.max`: not known yet.
  private var calm: [UInt32] = []
  /// By state: it is as declared, or somebody was told why not, and nothing is under way.
  private var isExplained: [Bool] = []
  private(set) var transitions = 0
  /// Every state that so many events lead to was gone through; -1: not even those without any.
  private(set) var events = -1
  /// Every state that can be reached was reached.
  private(set) var isClosed = false
  private(set) var violations: [Violation] = []
  /// The way to the state that was made last, each with its number.
  private var trail: [(number: UInt32, state: SearchState)] = []
  private let limit: Int

  struct Violation {
    var message: String
    /// From the first state on.
    var path: [SearchMove]
  }

  /// More of one kind say nothing new.
  private static let told = 5

  /// `limit`: of states, after which it ends.
  init(_ bounds: SearchBounds, limit: Int, plan: @escaping World.Plan) {
    (self.bounds, self.plan, self.limit) = (bounds, plan, limit)
    table = SearchTable(capacity: limit + 1000)
    let first = SearchState(bounds)
    _ = table.insert(.init(CanonicalState(first).bytes))
    add(parent: 0, move: 0, depth: 0, first)
    trail = [(0, first)]
  }

  var count: Int { parents.count }
  /// Of moves, on the way to the state that took most.
  var depth: Int { Int(depths.max() ?? 0) }

  private mutating func add(parent: UInt32, move: UInt16, depth: UInt16, _ state: SearchState) {
    parents.append(parent)
    moves.append(move)
    depths.append(depth)
    calm.append(.max)
    isExplained.append(state.pending.isEmpty && state.unexplained.isEmpty)
  }

  mutating func run() {
    var first = 0
    while first < count {
      for seed in first..<count {
        guard goesOn else { return }
        goOn(from: UInt32(seed))
      }
      events += 1
      // What goes on by itself leads to no other state any more: now whatever may happen to each.
      let level = first..<count
      for number in level {
        guard goesOn else { return }
        let state = state(UInt32(number))
        for move in state.events(bounds) { make(move, UInt32(number), state) }
      }
      first = level.upperBound
    }
    isClosed = true
  }

  /// Everything that goes on by itself from there, one way to its end before the next: what comes one
  /// after another has numbers one after another.
  private mutating func goOn(from seed: UInt32) {
    var waiting = [(seed, state(seed))]
    while let (number, state) = waiting.popLast(), goesOn {
      for move in state.quietMoves {
        if let next = make(move, number, state) { waiting.append(next) }
      }
    }
  }

  private var goesOn: Bool { count < limit && violations.count < Self.told }

  /// The answer is the state that it leads to, when that is a new one.
  @discardableResult
  private mutating func make(
    _ move: SearchMove, _ number: UInt32, _ state: SearchState
  ) -> (UInt32, SearchState)? {
    var next = state
    let wrong = next.make(move, bounds, plan)
    transitions += 1
    for message in wrong {
      violations.append(Violation(message: message, path: path(to: number) + [move]))
    }
    let found = table.insert(.init(CanonicalState(next).bytes))
    if move == state.calm { calm[Int(number)] = found.number }
    guard found.isNew else { return nil }
    add(parent: number, move: move.code, depth: depths[Int(number)] + 1, next)
    return (found.number, next)
  }

  // MARK: - Ways

  private func path(to number: UInt32) -> [SearchMove] {
    var (path, current) = ([SearchMove](), number)
    while current != 0 {
      path.append(SearchMove(code: moves[Int(current)]))
      current = parents[Int(current)]
    }
    return path.reversed()
  }

  private mutating func state(_ number: UInt32) -> SearchState {
    var missing: [UInt32] = []
    var (current, depth) = (number, Int(depths[Int(number)]))
    while depth >= trail.count || trail[depth].number != current {
      missing.append(current)
      current = parents[Int(current)]
      depth -= 1
    }
    trail.removeSubrange((depth + 1)...)
    for number in missing.reversed() {
      var state = trail[trail.count - 1].state
      _ = state.make(SearchMove(code: moves[Int(number)]), bounds, plan, isChecked: false)
      trail.append((number, state))
    }
    return trail[trail.count - 1].state
  }

  // MARK: - Rest

  /// What becomes of all states once nothing happens any more.
  struct Ends {
    /// Each ends in a state that stays, and is as declared, or somebody was told why not.
    var explained = 0
    /// It leaves what was searched.
    var open = 0
    /// It goes round and round, or stays and is not as declared: the shortest ways to such states.
    var restless: [[SearchMove]] = []
  }

  /// Follows every state along its calm moves to where they go round, each state once.
  func ends() -> Ends {
    enum Mark: UInt8 { case new, underWay, explained, open, restless }
    var marks = Array(repeating: Mark.new, count: count)
    var ends = Ends()
    for start in 0..<count where marks[start] == .new {
      var way: [Int] = []
      var (current, verdict) = (start, Mark.open)
      while true {
        if marks[current] == .underWay {
          let circle = way[(way.lastIndex(of: current) ?? 0)...]
          verdict = isRest(circle) ? .explained : .restless
          if verdict == .restless, ends.restless.count < Self.told {
            ends.restless.append(path(to: UInt32(circle.min() ?? 0)))
          }
          break
        }
        guard marks[current] == .new else {
          verdict = marks[current]
          break
        }
        marks[current] = .underWay
        way.append(current)
        guard calm[current] != .max else { break }
        current = Int(calm[current])
      }
      for state in way { marks[state] = verdict }
    }
    ends.explained = marks.count { $0 == .explained }
    ends.open = marks.count { $0 == .open }
    return ends
  }

  /// A circle in which time goes by, the planner is asked, and nothing is done.
  private func isRest(_ circle: ArraySlice<Int>) -> Bool {
    circle.allSatisfy { isExplained[$0] }
  }
}
