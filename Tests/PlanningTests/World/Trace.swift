import LedgerKit
import Model
import Planning

/// Turns passes into text that reads as documentation: only what is new is said.
struct Trace {
  private struct Seen {
    var actions: [Action] = []
    var phase = "idle"
    var hold = "none"
    var explanation: [String] = []
    var roles: [Generation: StackRole] = [:]
  }

  private var seen: [TargetID: Seen] = [:]
  private(set) var lines: [String] = []
  /// Passes in a row that brought nothing new.
  private(set) var quietPasses = 0
  private var lastElapsed: [Duration?] = []

  mutating func begin() {
    lines = []
    quietPasses = 0
  }

  mutating func record(_ pass: WorldPass, at time: String) {
    let before = lines.count
    for plan in pass.output.plan {
      let news = self.news(of: plan)
      guard !news.isEmpty else { continue }
      lines.append("\(time) \(plan.target)")
      lines += news.map { "  \($0)" }
    }
    lines += pass.problems.map { "\(time) VIOLATION \($0)" }
    // A rollout whose clock runs is under way, also when it has nothing to say.
    let elapsed = pass.output.plan.map { $0.status.rollout?.elapsed }
    let isQuiet =
      lines.count == before && pass.output.plan.allSatisfy(\.actions.isEmpty)
      && elapsed == lastElapsed
    lastElapsed = elapsed
    quietPasses = isQuiet ? quietPasses + 1 : 0
  }

  mutating func say(_ line: String) { lines.append(line) }

  private mutating func news(of plan: TargetPlan) -> [String] {
    let old = seen[plan.target] ?? Seen()
    var new = Seen()
    new.actions = plan.actions
    new.phase = plan.status.rollout.map { "\($0.phase) \($0.candidate)" } ?? "idle"
    new.hold = plan.status.hold ?? "none"
    new.explanation = plan.status.explanation.map(Self.withoutNumbers)
    new.roles = plan.record?.stacks.mapValues(\.role) ?? [:]
    seen[plan.target] = new
    var lines = plan.entries.map { "\($0.kind.rawValue): \($0.message)" }
    lines += plan.alerts.map { "alert \($0.severity) \($0.reason): \($0.message)" }
    lines += plan.actions.filter { !old.actions.contains($0) }.map { "do: \(Self.text(of: $0))" }
    if old.phase != new.phase { lines.append("rollout: \(old.phase) -> \(new.phase)") }
    lines += Self.changes(old.roles, new.roles)
    if old.hold != new.hold { lines.append("hold: \(new.hold)") }
    let said = zip(plan.status.explanation, new.explanation)
    lines += said.filter { !old.explanation.contains($0.1) }.map { "says: \($0.0)" }
    return lines
  }

  private static func changes(
    _ old: [Generation: StackRole], _ new: [Generation: StackRole]
  ) -> [String] {
    Set(old.keys).union(new.keys).sorted().compactMap { generation in
      guard old[generation] != new[generation] else { return nil }
      let before = old[generation]?.rawValue ?? "new"
      return "\(generation): \(before) -> \(new[generation]?.rawValue ?? "gone")"
    }
  }

  /// `bake 3s of 10s` and `bake 4s of 10s` say the same.
  private static func withoutNumbers(_ text: String) -> String {
    text.filter { !$0.isNumber }
  }

  /// `ensure v002 (2.0.0)`, `route v001=0 v002=100`.
  static func text(of action: Action) -> String {
    switch action {
    case .ensure(let order): "ensure \(order.stack.generation) (\(order.version))"
    case .setInstances(let stack, 0): "park \(stack.generation)"
    case .setInstances(let stack, let count): "set \(stack.generation) to \(count) instances"
    case .route(let route, _): "route \(text(of: route))"
    case .removeRoute: "remove the route"
    case .runTask(let stack, let task): "run \(task.name) of \(stack.generation)"
    case .retire(let stack): "retire \(stack.generation)"
    }
  }

  /// `v001=0 v002=100, fallback v001`.
  static func text(of route: Route) -> String {
    let split = route.backends.map { "\($0.generation)=\($0.weightPercent)" }
    let weights = split.isEmpty ? "without backends" : split.joined(separator: " ")
    let picks = [
      ("fallback", route.fallback), ("preview", route.preview),
      ("chosen", route.chosen?.generation), ("sticky", route.sticky?.generation),
    ]
    return weights + picks.map { name, who in who.map { ", \(name) \($0)" } ?? "" }.joined()
  }
}
