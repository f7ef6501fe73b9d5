package import Model

/// The line that `--watch` keeps rewriting: one per target, never a line break.
package struct ProgressLine: Sendable {
  /// Characters of the bar: 5 % each.
  private static let barWidth = 20

  /// Cuts the line to this many columns, so that a terminal does not wrap it.
  package var columns: Int

  package init(columns: Int = 100) { self.columns = columns }

  /// `web@production v041 → v042 [##########··········] 50 % step 3/4 baking 1m20s/2m: waits for approval`;
  /// without a rollout the target, its version and its sync.
  package func text(_ status: TargetStatus) -> String {
    guard let rollout = status.rollout else {
      let version = status.liveVersion ?? "-"
      let hold = status.hold.map { ": \($0)" } ?? ""
      return cut("\(status.target) \(version) \(status.sync.rawValue)\(hold)".visible)
    }
    let candidate = status.stacks.first { $0.generation == rollout.candidate }
    let weight = min(100, max(0, candidate?.weightPercent ?? 0))
    let full = weight * Self.barWidth / 100
    let bar =
      String(repeating: "#", count: full) + String(repeating: "·", count: Self.barWidth - full)
    let step = rollout.from.map { "\($0) → \(rollout.candidate)" } ?? "\(rollout.candidate)"
    let place = rollout.step.flatMap { step in rollout.steps.map { "step \(step)/\($0) " } } ?? ""
    let time = rollout.elapsed.text + (rollout.of.map { "/\($0.text)" } ?? "")
    let waiting = rollout.waitingFor.map { ": \($0)" } ?? ""
    return cut(
      "\(status.target) \(step) [\(bar)] \(weight) % \(place)\(rollout.phase) \(time)\(waiting)"
        .visible)
  }

  private func cut(_ text: String) -> String {
    guard text.columns > columns, columns > 1 else { return text }
    var (kept, width) = ("", 0)
    for character in text {
      width += String(character).columns
      if width > columns - 1 { break }
      kept.append(character)
    }
    return kept + "…"
  }
}
