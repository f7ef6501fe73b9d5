import Model
package enum Planner { package static func plan(_ input: PlanningInput) -> PlanningOutput { .init(plan: [], memory: input.memory) } }
