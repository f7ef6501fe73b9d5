import Model

/// How often each fault met each step of a rollout.
package struct Coverage: Sendable {
  package static let steps = [
    "absent", "steady", "launching", "growing", "gating", "shifting", "baking", "rollingBack",
    "vacating",
    "held", "paused", "other",
  ]
  package private(set) var cells: [String: [Int]] = [:]

  package init() {}

  /// What a person would be shown of the target.
  static func step(_ status: TargetStatus?) -> Int {
    guard let status else { return 0 }
    if let phase = status.rollout?.phase {
      return steps.firstIndex(of: phase) ?? steps.count - 1
    }
    if status.isPaused { return 9 }
    if status.hold != nil { return 8 }
    return status.stacks.isEmpty ? 0 : 1
  }

  mutating func count(_ fault: String, at step: Int) {
    cells[fault, default: Array(repeating: 0, count: Self.steps.count)][step] += 1
  }

  package mutating func add(_ other: Coverage) {
    for (fault, counts) in other.cells {
      var sum = cells[fault] ?? Array(repeating: 0, count: Self.steps.count)
      for index in counts.indices { sum[index] += counts[index] }
      cells[fault] = sum
    }
  }

  /// The heat map as text.
  package var table: String {
    func pad(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let head = pad("", 18) + Self.steps.map { pad($0, 12) }.joined()
    let rows = cells.sorted { $0.key < $1.key }.map { fault, counts in
      pad(fault, 18) + counts.map { pad("\($0)", 12) }.joined()
    }
    return ([head] + rows).joined(separator: "\n")
  }
}
