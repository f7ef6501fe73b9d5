import Model
import Planning
import Testing

/// One rule with a plan that breaks it, and the nearest one that does not.
struct RuleCase: Sendable, CustomTestStringConvertible {
  let rule: String
  let testDescription: String
  let bad: @Sendable (inout CheckCase) -> Void
  let good: @Sendable (inout CheckCase) -> Void

  init(
    _ rule: String, _ sentence: String, bad: @escaping @Sendable (inout CheckCase) -> Void,
    good: @escaping @Sendable (inout CheckCase) -> Void
  ) {
    self.rule = rule
    testDescription = "\(rule): \(sentence)"
    self.bad = bad
    self.good = good
  }
}

@Suite struct PlanChecksTests {
  static let all =
    TrafficCases.all + CapacityCases.all + DeletionCases.all + LaunchCases.all
    + EvidenceCases.all + PrecedenceCases.all + RemovalCases.all + StepCases.all
    + RollingCases.all + TestCases.all + IrreversibleCases.all + FreezeCases.all
    + GroupCases.all + JobCases.all

  @Test func `a shift to a proven candidate breaks no rule`() {
    #expect(CheckCase().broken.isEmpty)
  }

  @Test(arguments: all) func `a plan that breaks a rule is found`(_ rule: RuleCase) {
    var wrong = CheckCase()
    rule.bad(&wrong)
    #expect(wrong.broken.contains(rule.rule))
  }

  @Test(arguments: all) func `the nearest plan that keeps all rules passes`(_ rule: RuleCase) {
    var right = CheckCase()
    rule.good(&right)
    #expect(right.broken.isEmpty)
  }

  @Test func `every rule has a case`() {
    let promised: Set = [
      "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S13", "S14", "S16",
      "S17", "S18", "S19", "S20", "S21", "S24", "paused", "freeze", "breaker", "quarantine",
      "exclusive", "irreversible", "group", "jobs",
    ]
    #expect(Set(Self.all.map(\.rule)) == promised)
  }

  @Test func `acting on a target that was not read is a violation`() {
    var wrong = CheckCase()
    wrong.input.targets = []
    #expect(wrong.broken == ["S13"])
  }
}
