extension RolloutMachine {
  package struct Bake: Hashable, Codable, Sendable {
    /// Healthy with the traffic of its step.
    package var served: Duration = .zero
    /// Below the floor without a break.
    package var suffered: Duration = .zero
    /// Neither: nothing fresh was known.
    package var blind: Duration = .zero
    /// Time after the bake without a verdict that lets it go on; nil: none.
    package var verdictWait: Duration?
    /// Time after bake and verdict until a person approves what follows; nil: none.
    package var approvalWait: Duration?
    /// Restarts when the candidate was first given traffic.
    package var restarts: Int
  }
}
