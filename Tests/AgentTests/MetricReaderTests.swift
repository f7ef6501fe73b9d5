import Agent
import Model
import PlatformKit
import Support
import Testing

/// What becomes of a provider's answers.
@Suite struct MetricReaderTests {
  private struct Oracle: MetricProvider {
    let answer: @Sendable () throws(PlatformError) -> MetricReading?

    func reading(
      of metric: AnalysisDeclaration.Metric, with values: [String: String]
    ) async throws(PlatformError) -> MetricReading? { try answer() }
  }

  private let question = MetricReader.Question(
    stack: StackID(TargetID("web", "production"), 2),
    metric: .init(name: "smoke", provider: "hook", minimum: 1), values: [:])
  private let now = Now(bootID: "boot", sinceBoot: .seconds(10), wall: WallTime(milliseconds: 0))

  /// The answer to the question, once it is there.
  private func known(
    _ providers: [String: any MetricProvider]
  ) async throws -> Observed<MetricReading>? {
    let now = now
    let reader = MetricReader(
      providers: providers, clock: AgentClock(now: { now }) { _ in })
    var answer: Observed<MetricReading>?
    try await eventually {
      answer = await reader.answers(to: [question], at: now)[question]
      return answer != .unknown(reason: "not asked yet")
    }
    return answer
  }

  @Test func `a number is known with its words`() async throws {
    let reading = MetricReading(0, words: "no such cart")
    let oracle = Oracle { () throws(PlatformError) in reading }
    #expect(try await known(["hook": oracle]) == .known(reading))
  }

  @Test func `what is no number is not known`() async throws {
    let none = Oracle { () throws(PlatformError) in nil }
    let odd = Oracle { () throws(PlatformError) in MetricReading(.nan) }
    let silent = Oracle { () throws(PlatformError) in throw .transient("no answer") }
    #expect(try await known(["hook": none]) == .unknown(reason: "the query gives no number"))
    #expect(try await known(["hook": odd]) == .unknown(reason: "nan is no number"))
    #expect(try await known(["hook": silent]) == .unknown(reason: "no answer"))
    #expect(
      try await known(["shop": none])
        == .unknown(reason: "no provider \"hook\" in the agent's configuration: it knows shop"))
  }
}
