import Planning

/// What all scenarios and random walks play.
let plannerUnderTest: World.Plan = Planner.plan

/// Scenarios and walks are about a real planner; until there is one only their syntax is checked.
let isPlannerReal = true
