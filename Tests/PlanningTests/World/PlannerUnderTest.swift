import Planning

/// What all scenarios and random walks play.
let plannerUnderTest: World.Plan = ToyPlanner.plan
