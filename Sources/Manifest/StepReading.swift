import Model
import PlatformKit

/// `rollout.steps`: our own words, and those of Argo Rollouts (`setWeight`, `pause`) as they are.
extension MappingReader {
  func steps(bake: Duration, _ problems: inout [Diagnostic]) -> [RolloutStep] {
    var steps: [RolloutStep] = []
    for node in list("steps") {
      let reader = MappingReader(node)
      guard let step = reader.step(after: steps.last, bake: bake, &problems) else { continue }
      steps.append(step)
    }
    if steps.isEmpty, problems.isEmpty {
      problems.append((self["steps"] ?? node).error("\"steps\" needs at least one step"))
    }
    return steps
  }

  private func step(
    after former: RolloutStep?, bake: Duration, _ problems: inout [Diagnostic]
  ) -> RolloutStep? {
    let keys = ["weight", "setWeight", "pause"].filter { self[$0] != nil }
    guard keys.count == 1 else {
      problems.append(node.error("a step has one of weight, setWeight and pause"))
      return nil
    }
    if self["weight"] == nil, let other = self["bake"] {
      problems.append(other.error("\"bake\" belongs to a step with a weight"))
    }
    let weight = integer("weight") ?? integer("setWeight") ?? former?.weightPercent
    guard let weight else {
      problems.append(node.error("the first step must give a weight"))
      return nil
    }
    if let former, weight < former.weightPercent {
      problems.append(
        node.error("the weight falls from \(former.weightPercent) to \(weight): steps go up"))
    }
    let pause = mapping("pause")
    let isForPerson = pause != nil && pause?["duration"] == nil
    let approval = mapping("approval")
    let within = approval.map { $0.duration("within") ?? Self.approvalTime }
    return RolloutStep(
      weightPercent: weight,
      bake: duration("bake") ?? pause?.duration("duration") ?? (keys == ["weight"] ? bake : .zero),
      approvalWithin: within ?? (isForPerson ? Self.approvalTime : nil))
  }

  /// A person sees it within a working day.
  private static var approvalTime: Duration { .seconds(24 * 3600) }
}
