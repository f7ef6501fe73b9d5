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
    var search = Search(bounds, limit: 40_000, plan: plannerUnderTest)
    search.run()
    #expect(search.violations.isEmpty, "\(search.summary)")
    #expect(search.ends().restless.isEmpty, "\(search.summary)")
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
