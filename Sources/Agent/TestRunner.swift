package import Model

/// How one try of a test went.
package protocol TestCaller: Sendable {
  /// `address`: of the preview, `http://127.0.0.1:8081`. Returns within `limit`.
  func call(_ test: TestDeclaration, at address: String, limit: Duration) async -> TestResult
}

/// Runs tests beside the passes: one that is slow delays none.
package actor TestRunner {
  /// One test of one stack, in one round.
  package struct Question: Hashable, Sendable {
    package var stack: StackID
    package var launch: String
    /// How often its rollout has asked for it before: at each point of it anew.
    package var round: Int
    package var test: TestDeclaration
    package var address: String
    package init(
      stack: StackID, launch: String, round: Int, test: TestDeclaration, address: String
    ) {
      self.stack = stack
      self.launch = launch
      self.round = round
      self.test = test
      self.address = address
    }
  }

  private struct Trial {
    var began: Now
    var lastTry: Now?
    var result = TestResult(.trying, "not answered yet")
  }

  private let caller: any TestCaller
  private let clock: AgentClock
  private var trials: [Question: Trial] = [:]
  private var underWay: Set<Question> = []

  /// Between two tries of one test.
  private static let period = Duration.seconds(1)
  /// One try takes no longer, however long the test may take as a whole.
  private static let longestTry = Duration.seconds(30)

  package init(caller: any TestCaller, clock: AgentClock = .host) {
    self.caller = caller
    self.clock = clock
  }

  /// What is known of exactly these tests, and begins to try those that are due. What has ended stays as it
  /// is for as long as it is asked for.
  package func results(of questions: Set<Question>, at now: Now) -> [Question: TestResult] {
    trials = trials.filter { questions.contains($0.key) }
    for question in questions where !underWay.contains(question) && isDue(question, now) {
      trials[question, default: Trial(began: now)].lastTry = now
      underWay.insert(question)
      Task { await self.attempt(question) }
    }
    return trials.mapValues(\.result)
  }

  private func isDue(_ question: Question, _ now: Now) -> Bool {
    guard let trial = trials[question], let last = trial.lastTry else { return true }
    return trial.result.verdict == .trying && elapsed(since: last, now) >= Self.period
  }

  private func elapsed(since before: Now, _ now: Now) -> Duration {
    now.elapsed(since: before, limit: .seconds(86_400))
  }

  private func attempt(_ question: Question) async {
    let result = await caller.call(
      question.test, at: question.address, limit: min(question.test.deadline, Self.longestTry))
    underWay.remove(question)
    // Nobody may ask any more, or somebody anew.
    guard let trial = trials[question] else { return }
    let isOver = elapsed(since: trial.began, clock.now()) >= question.test.deadline
    trials[question]?.result =
      result.verdict == .passed || isOver ? result : TestResult(.trying, result.words)
  }
}
