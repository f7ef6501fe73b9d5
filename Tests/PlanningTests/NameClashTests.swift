import Model
import Planning
import Testing

/// Stacks bear application and environment in one word: `web` in `a-b` and `web-a` in `b` would share
/// their names.
@Suite struct NameClashTests {
  private let newcomer = TargetID("web-a", "b")

  /// What is planned for the newcomer beside a target that runs.
  private func plan(_ change: (inout PlanningInput) -> Void) throws -> TargetPlan {
    var input = CheckCase().input
    let desired = TargetSettings(listen: "127.0.0.1:8090").desired(
      newcomer, source: "main", commit: "c2")
    input.targets.append(
      TargetInput(
        id: newcomer, desired: .desired(desired),
        resolution: .resolved(stackDigest: CheckCase.digest(desired), inputs: []),
        stacks: .known([]), route: .known(nil)))
    input.sources["main"]?.targetCount = 2
    change(&input)
    return try #require(Planner.plan(input).plan.first { $0.target == newcomer })
  }

  @Test func `a newcomer whose name nobody has begins with its route`() throws {
    let plan = try plan { _ in }
    #expect(plan.actions.count == 1 && plan.explanationOfClash == nil)
  }

  @Test func `a newcomer waits for a target that runs under its name, or did before a rename`()
    throws
  {
    let other = TargetID("web", "a-b")
    let plans = [
      try plan { $0.targets[0].id = other }, try plan { $0.targets[0].formerly = [other] },
    ]
    for plan in plans {
      #expect(plan.actions.isEmpty)
      #expect(plan.explanationOfClash != nil)
    }
  }
}

extension TargetPlan {
  fileprivate var explanationOfClash: String? {
    status.explanation.first { $0.contains("would be named like those of") }
  }
}
