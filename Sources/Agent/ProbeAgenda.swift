import Model

/// Which instance is probed next, and when: a heap, so that ten thousand waiting probes are not ten
/// thousand waiting tasks.
struct ProbeAgenda: Sendable {
  struct Entry: Sendable {
    /// On the boot clock.
    var at: Duration
    var key: ProbeBook.Key
    /// Of the subject that it was made for: what has changed since is probed anew.
    var serial: Int
    /// Among the subject's endpoints.
    var index: Int
  }

  /// Each entry is due no later than the two at twice its place, plus one and plus two.
  private var heap: [Entry] = []

  /// When the next one is due.
  var next: Duration? { heap.first?.at }

  mutating func insert(_ entry: Entry) {
    heap.append(entry)
    var place = heap.count - 1
    while place > 0, heap[place].at < heap[(place - 1) / 2].at {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// The next one, taken out, if it is due at `time`.
  mutating func popDue(at time: Duration) -> Entry? {
    guard let first = heap.first, first.at <= time else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var place = 0
    while let child = earlierChild(of: place), heap[child].at < heap[place].at {
      heap.swapAt(place, child)
      place = child
    }
    return first
  }

  private func earlierChild(of place: Int) -> Int? {
    let (left, right) = (2 * place + 1, 2 * place + 2)
    guard right < heap.count else { return left < heap.count ? left : nil }
    return heap[right].at < heap[left].at ? right : left
  }
}
