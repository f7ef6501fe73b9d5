package import Model
package enum Planner { package static func plan(_ input: PlanningInput) -> PlanningOutput { .init(plan: [], memory: input.memory) } }
package struct Violation { package var invariant: String; package var message: String }
package enum PlanChecks { package static func violations(of plan: TargetPlan, input: PlanningInput, output: PlanningOutput) -> [Violation] { [] } }
package enum FreezeSchedule {
  package enum State { case open; case frozen(until: WallTime?, window: String) }
  package static func state(_ windows: [FreezeWindow], at: WallTime) -> State { .open } }
