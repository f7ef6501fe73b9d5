package import Model

/// The second line of defence: re-verifies every action of a plan before it may be executed.
///
/// It shares no code and no predicate with the planner, so that one mistake cannot be made twice.
package enum PlanChecks {
  /// One broken rule.
  package struct Violation: Hashable, Codable, Sendable {
    /// Its name in the list of invariants: `S1`.
    package var invariant: String
    package var target: TargetID
    /// A sentence for people.
    package var message: String
    package init(invariant: String, target: TargetID, message: String) {
      self.invariant = invariant
      self.target = target
      self.message = message
    }
  }

  /// Everything that is wrong with `plan`, which is one part of `output`; empty when it may be
  /// executed. The agent executes nothing of a target with a violation, and raises an alert.
  package static func violations(
    of plan: TargetPlan, input: PlanningInput, output: PlanningOutput
  ) -> [Violation] {
    []
  }
}
