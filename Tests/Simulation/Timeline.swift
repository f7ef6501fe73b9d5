import CSchedule
import Model

/// Milliseconds since a simulation began.
package typealias Moment = Int

/// What happens when: the only clock of a simulation, and the thread that runs everything in it.
///
/// Between two moments every task runs until it waits; then the next event that was planned comes. All
/// of it happens on the one thread that called `run`.
final class Timeline: @unchecked Sendable {
  private(set) var now: Moment = 0
  /// Events that came.
  private(set) var steps = 0
  private var heap: [Event] = []
  private var planned = 0
  private var cancelled: Set<Int> = []
  /// 0: jobs run in the order in which they came.
  private var shuffle: UInt64

  private struct Event {
    var at: Moment
    /// Events of one moment come in the order in which they were planned.
    var order: Int
    var body: () -> Void

    static func < (a: Event, b: Event) -> Bool {
      a.at != b.at ? a.at < b.at : a.order < b.order
    }
  }

  /// `shuffle`: not 0 draws which of the waiting jobs runs next.
  init(shuffle: UInt64) { self.shuffle = shuffle }

  /// Plans an event; the answer cancels it.
  @discardableResult
  func plan(after delay: Int, _ body: @escaping () -> Void) -> Int {
    planned += 1
    heap.append(Event(at: now + max(0, delay), order: planned, body: body))
    rise(heap.count - 1)
    return planned
  }

  func cancel(_ event: Int) { cancelled.insert(event) }

  /// Until that moment, or until `isOver`.
  func run(until end: Moment, or isOver: () -> Bool = { false }) {
    while !isOver() {
      settle()
      guard let next = heap.first, next.at <= end else { break }
      pop()
      if !cancelled.isEmpty, cancelled.remove(next.order) != nil { continue }
      now = next.at
      steps += 1
      next.body()
    }
    settle()
    if !isOver() { now = max(now, end) }
  }

  /// Runs what can run now.
  func settle() {
    while schedule_run(draw()) != 0 {}
  }

  /// Nothing comes any more: what was planned holds all that it is about.
  func clear() { heap = [] }

  private func draw() -> UInt64 {
    guard shuffle != 0 else { return 0 }
    shuffle = mix(shuffle)
    return shuffle
  }

  private func rise(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child] < heap[parent] else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child] < heap[least] { least = child }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}

/// SplitMix64's output function: a draw from any number.
func mix(_ number: UInt64) -> UInt64 {
  var mixed = number &+ 0x9E37_79B9_7F4A_7C15
  mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return mixed ^ (mixed >> 31)
}
