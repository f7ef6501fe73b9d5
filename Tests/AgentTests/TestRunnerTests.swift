import Agent
import Model
import Support
import Synchronization
import Testing

/// How often a test is tried, and what becomes of its answers.
@Suite struct TestRunnerTests {
  private final class Version: TestCaller {
    private let answers: Mutex<[TestResult.Verdict]>
    let tries = Mutex(0)

    /// The last answer stays.
    init(_ answers: [TestResult.Verdict]) { self.answers = Mutex(answers) }

    func call(_ test: TestDeclaration, at address: String, limit: Duration) async -> TestResult {
      tries.withLock { $0 += 1 }
      return answers.withLock { answers in
        let answer = answers.count > 1 ? answers.removeFirst() : answers[0]
        return TestResult(answer, "answer")
      }
    }
  }

  /// A clock that stands until it is moved.
  private final class Watch: Sendable {
    private let seconds = Mutex(10)
    var now: Now {
      Now(
        bootID: "boot", sinceBoot: .seconds(seconds.withLock { $0 }),
        wall: WallTime(milliseconds: 0))
    }
    func advance(_ time: Int) { seconds.withLock { $0 += time } }
  }

  private let watch = Watch()

  private func question(_ round: Int = 0) -> TestRunner.Question {
    TestRunner.Question(
      stack: StackID(TargetID("web", "production"), 2), launch: "launch", round: round,
      test: TestDeclaration(
        name: "smoke", call: .http(path: "/", expect: [200], contains: nil), deadline: .seconds(5)),
      address: "http://127.0.0.1:1")
  }

  private func runner(_ version: Version) -> TestRunner {
    let watch = watch
    return TestRunner(caller: version, clock: AgentClock(now: { watch.now }) { _ in })
  }

  /// Asks until that is what is known.
  private func expect(
    _ verdict: TestResult.Verdict, from runner: TestRunner, in round: Int = 0
  ) async throws {
    let question = question(round)
    try await eventually {
      let result = await runner.results(of: [question], at: watch.now)[question]
      return result == TestResult(verdict, "answer")
    }
  }

  @Test func `it is tried until it passes, and then no more`() async throws {
    let version = Version([.failed, .passed])
    let runner = runner(version)
    try await expect(.trying, from: runner)
    watch.advance(1)
    try await expect(.passed, from: runner)
    watch.advance(60)
    try await expect(.passed, from: runner)
    #expect(version.tries.withLock { $0 } == 2)
  }

  @Test(arguments: [TestResult.Verdict.failed, .unanswered])
  func `what has not passed when its time is over stays as it was`(
    _ verdict: TestResult.Verdict
  ) async throws {
    let runner = runner(Version([verdict]))
    try await expect(.trying, from: runner)
    watch.advance(5)
    try await expect(verdict, from: runner)
  }

  /// What passed before the traffic says nothing of the same test with it.
  @Test func `each point of a rollout is tested by itself`() async throws {
    let version = Version([.passed])
    let runner = runner(version)
    try await expect(.passed, from: runner)
    try await expect(.passed, from: runner, in: 1)
    #expect(version.tries.withLock { $0 } == 2)
    #expect(await runner.results(of: [], at: watch.now).isEmpty)
  }
}
