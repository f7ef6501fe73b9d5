package import Model

/// The tests of a rollout, as declared when it began, and how those ended that the point where it stands asks
/// for.
package struct TestRun: Hashable, Codable, Sendable {
  package enum Event: Hashable, Sendable {
    case began
    /// What is known now of tests by their names.
    case answered([String: TestResult])
    /// Watched time without the result of each.
    case waited(Duration)
  }

  package let declared: [TestDeclaration]
  /// How often they were asked for before: at each point of the rollout they are others.
  package private(set) var round = 0
  /// They are asked for now.
  package private(set) var isOpen = false
  /// Those that have ended, by name.
  package private(set) var results: [String: TestResult] = [:]
  package private(set) var waited: Duration = .zero

  /// nil: there are none.
  package init?(_ declared: [TestDeclaration]) {
    if declared.isEmpty { return nil }
    self.declared = declared
  }

  /// Those that are asked for and have not ended.
  package var pending: [TestDeclaration] {
    isOpen ? declared.filter { results[$0.name] == nil } : []
  }

  package var hasPassed: Bool {
    declared.allSatisfy { results[$0.name]?.verdict == .passed }
  }

  /// The first of them that has ended otherwise.
  package var failure: (test: TestDeclaration, result: TestResult)? {
    for test in declared {
      if let result = results[test.name], result.verdict != .passed { return (test, result) }
    }
    return nil
  }

  mutating func handle(_ event: Event) {
    switch event {
    case .began: isOpen = true
    case .answered(let answers):
      for test in pending {
        if let answer = answers[test.name], answer.verdict != .trying {
          results[test.name] = answer
        }
      }
    case .waited(let time): if isOpen { waited += time }
    }
  }

  /// The next point asks for them anew.
  mutating func close() {
    round += isOpen ? 1 : 0
    (isOpen, results, waited) = (false, [:], .zero)
  }

  /// The command of a test as it is run in this round; nil: it is none.
  package func task(of test: TestDeclaration, preview: String?) -> StackTask? {
    guard case .command(let command) = test.call else { return nil }
    return StackTask(
      name: "test-\(test.name)-\(round)", command: command,
      environment: preview.map { ["VIRIDIAN_PREVIEW": $0] } ?? [:], deadline: test.deadline)
  }
}
