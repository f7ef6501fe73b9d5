import Foundation
import Model
import Planning
import Testing

/// How many states the long search goes through: `make search STATES=…`; 0: it does not run.
private let states = Int(ProcessInfo.processInfo.environment["VIRIDIAN_STATES"] ?? "") ?? 0

/// Every state that the planner can come to within bounds, each once.
@Suite struct SearchTests {
  /// Small enough to be gone through whole with every test run.
  @Test func `nothing that can happen to one target breaks an invariant`() {
    let bounds = SearchBounds(targets: 1, versions: 2, crashes: 1)
    var search = Search(bounds, limit: 15_000, plan: plannerUnderTest)
    search.run()
    #expect(search.violations.isEmpty, "\(search.summary)")
    #expect(search.ends().restless.isEmpty, "\(search.summary)")
  }

  // MARK: - It would notice

  @Test func `it finds a planner that gives traffic before the gate`() {
    let wrong = wrong { plan, target in
      guard plan.actions.isEmpty, let stack = target.stacks.value?.last, stack.phase == .complete,
        let desired = target.desired.target
      else { return }
      let backend = Backend(
        generation: stack.id.generation, launch: stack.certificate.launch,
        endpoints: stack.endpoints, weightPercent: 100)
      let route = Route(
        target: target.id, mode: .http, declaration: desired.route ?? [:], backends: [backend])
      plan.actions = [.route(route, ifRevision: target.route.value??.revision)]
    }
    #expect(wrong.contains { $0.contains("S1: ") }, "\(wrong)")
  }

  @Test func `it finds a planner that retires what serves`() {
    let wrong = wrong { plan, target in
      guard let stable = Self.stable(target) else { return }
      plan.actions = [.retire(stable)]
    }
    #expect(wrong.contains { $0.contains("S4: ") }, "\(wrong)")
  }

  @Test func `it finds a planner that parks what serves`() {
    let wrong = wrong { plan, target in
      guard let stable = Self.stable(target) else { return }
      plan.actions = [.setInstances(stable, count: 0)]
    }
    #expect(wrong.contains { $0.contains("S2: ") }, "\(wrong)")
  }

  @Test func `it finds a planner that never ends a rollback`() {
    let wrong = wrong { plan, target in
      guard let before = target.record, before.rollout?.phase == .rollingBack else { return }
      let clock = plan.record?.clock
      plan.record = before
      plan.record?.clock = clock
    }
    #expect(wrong == ["never at rest"])
  }

  private static func stable(_ target: TargetInput) -> StackReference? {
    guard let generation = target.record?.stable,
      let stack = target.stacks.value?.first(where: { $0.id.generation == generation })
    else { return nil }
    return StackReference(generation: generation, launch: stack.certificate.launch)
  }

  /// What the world alone shows of a planner whose plans somebody changes.
  private func wrong(
    _ change: @escaping @Sendable (inout TargetPlan, TargetInput) -> Void
  ) -> [String] {
    var bounds = SearchBounds(targets: 1, versions: 2, crashes: 0)
    bounds.asksPlanChecks = false
    var search = Search(bounds, limit: 3000) { input in
      var output = plannerUnderTest(input)
      for index in output.plan.indices {
        guard let target = input.targets.first(where: { $0.id == output.plan[index].target })
        else { continue }
        change(&output.plan[index], target)
      }
      return output
    }
    search.run()
    return search.violations.map(\.message)
      + (search.ends().restless.isEmpty ? [] : ["never at rest"])
  }

  @Test(.enabled(if: states > 0)) func `the long search`() {
    let began = ContinuousClock.now
    let environment = ProcessInfo.processInfo.environment
    func number(_ name: String) -> Int? { Int(environment["VIRIDIAN_\(name)"] ?? "") }
    var bounds = SearchBounds()
    bounds.targets = number("TARGETS") ?? bounds.targets
    bounds.versions = number("VERSIONS") ?? bounds.versions
    bounds.crashes = number("CRASHES") ?? bounds.crashes
    bounds.hasLateCalls = number("LATE") == 1
    var search = Search(bounds, limit: states, plan: plannerUnderTest)
    search.run()
    let took = Double((ContinuousClock.now - began).wholeMilliseconds) / 1000
    print("\(search.summary)\n\(Int(Double(search.count) / max(0.001, took))) states/s, \(took) s")
    #expect(search.violations.isEmpty && search.ends().restless.isEmpty)
  }
}

extension Search {
  /// For people.
  var summary: String {
    let ends = ends()
    let size =
      "\(bounds.targets) targets, \(bounds.versions) versions, \(bounds.crashes) crashes: \(count)"
      + " states, \(transitions) transitions, up to \(depth) moves; "
      + (isClosed ? "there are no others" : "all that \(events) events can lead to")
    let rest =
      "left alone, \(ends.explained) come to rest as declared or with a reason, \(ends.open) were not"
      + " followed to their end, \(ends.restless.count) kinds of states never rest"
    let wrong = violations.map { "\($0.message)\n  \(words($0.path))" }
    return ([size, rest] + wrong + ends.restless.map { "never at rest\n  \(words($0))" })
      .joined(separator: "\n")
  }

  private func words(_ path: [SearchMove]) -> String {
    path.map { "\($0)" }.joined(separator: ", ")
  }
}
