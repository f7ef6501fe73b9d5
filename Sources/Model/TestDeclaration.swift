/// What a new version must show before it has traffic, and again after each step.
package struct TestDeclaration: Hashable, Codable, Sendable {
  package enum Call: Hashable, Codable, Sendable {
    /// A GET of `path` at the route's preview answers with one of `expect`, and with `contains` in its body;
    /// nil: whatever the body is.
    case http(path: String, expect: [Int], contains: String?)
    /// The command ends with status 0 in the release of the stack; it is run once.
    case command([String])
  }

  /// Unique among the tests of one rollout.
  package var name: String
  package var call: Call
  /// A GET is tried until it passes, for no longer than this; a command is ended after it.
  package var deadline: Duration
  package init(name: String, call: Call, deadline: Duration = .seconds(30)) {
    self.name = name
    self.call = call
    self.deadline = deadline
  }

  /// Reaches the candidate through the route's preview.
  package var needsPreview: Bool {
    switch call {
    case .http: true
    case .command: false
    }
  }
}

/// How a test ended, or what its last try said.
package struct TestResult: Hashable, Codable, Sendable {
  package enum Verdict: String, Codable, Sendable {
    /// Not passed yet, and its time is not over.
    case trying
    case passed
    case failed
    /// Nothing answered that would say anything of the version.
    case unanswered
  }

  package var verdict: Verdict
  /// What was answered, for people.
  package var words: String
  package init(_ verdict: Verdict, _ words: String) {
    self.verdict = verdict
    self.words = words
  }
}
