package import Model

/// The second line of defence: re-verifies every action of a plan before it may be executed.
///
/// It shares no code and no predicate with the planner, so that one mistake cannot be made twice.
/// It derives everything from what was read, from the two records, and from the actions alone.
package enum PlanChecks {
  /// One broken rule.
  package struct Violation: Hashable, Codable, Sendable {
    /// Its name in the list of invariants (`S1`), or a word of the glossary (`paused`).
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
    guard let target = find(plan.target, in: input.targets) else {
      return [
        Violation(
          invariant: "S13", target: plan.target, message: "plans a target that was not read")
      ]
    }
    let checked = CheckedPlan(plan: plan, target: target, input: input, output: output)
    var violations: [Violation] = []
    for (name, rule) in rules {
      for message in rule(checked) {
        violations.append(Violation(invariant: name, target: plan.target, message: message))
      }
    }
    return violations
  }

  /// The targets are sorted, and there may be 10,000 of them in every pass.
  private static func find(_ id: TargetID, in targets: [TargetInput]) -> TargetInput? {
    var range = targets.startIndex..<targets.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if targets[middle].id == id { return targets[middle] }
      range =
        targets[middle].id < id
        ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// One rule: what is wrong, in sentences.
  typealias Rule = @Sendable (CheckedPlan) -> [String]

  private static let rules: [(name: String, rule: Rule)] = [
    ("S1", gateBeforeTraffic), ("S1", noMoreThanItsStep), ("S1", pickedHasShare),
    ("S1", provenInstances), ("S1", testedWell),
    ("S2", availabilityOfSplit),
    ("S2", availabilityOfInstances),
    ("S2", availabilityOfWorkers), ("S3", immutability), ("S4", noDeleteUnderTraffic),
    ("S4", noRouteRemovedUnderTraffic), ("S5", immutableIdentity), ("S6", oneStackPerGeneration),
    ("S6", intentBeforeLaunch), ("S7", digestsAreRecomputed), ("S7", noLaunchOfTheSame),
    ("S8", oneCandidate), ("S8", boundedStacks), ("S8", boundedRollouts), ("S8", boundedWaves),
    ("S9", ownership),
    ("S10", noWipe), ("S10", removalsWithinCap), ("S11", onlyAcceptedDigests),
    ("S13", nothingFromUnknown), ("S13", freshForDestruction),
    ("S13", settledForDestruction), ("S14", mayAct), ("S16", clocksOnlyAccumulate),
    ("S17", wholeSplit), ("S17", validBackends), ("S17", oneRouteWrite),
    ("S18", abortIsTotal), ("S18", heldDigestGetsNothing),
    ("S19", rollbackStaysAvailable), ("S20", promotionNeedsProof), ("S20", stepsNeedProof),
    ("S21", breaker),
    ("S24", lostLedger), ("paused", paused), ("freeze", frozen), ("breaker", breakerHeld),
    ("quarantine", quarantined), ("exclusive", exclusive),
    ("irreversible", noReturn), ("jobs", jobsRunOnce), ("jobs", jobsBeforeInstances),
    ("jobs", jobsBeforeTraffic), ("jobs", noRetirementUnderJobs), ("group", promotedTogether),
  ]
}
