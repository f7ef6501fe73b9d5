package import Model
package import PlatformKit

/// Asks providers for numbers, beside the passes: one that is slow delays none.
package actor MetricReader {
  /// One number that is wanted of one stack.
  package struct Question: Hashable, Sendable {
    package var stack: StackID
    package var metric: AnalysisDeclaration.Metric
    /// By `Metric.Value`.
    package var values: [String: String]
    package init(stack: StackID, metric: AnalysisDeclaration.Metric, values: [String: String]) {
      self.stack = stack
      self.metric = metric
      self.values = values
    }
  }

  private struct Answer {
    var value: Observed<MetricReading>
    var at: Now
  }

  private let providers: [String: any MetricProvider]
  private let clock: AgentClock
  private var answers: [Question: Answer] = [:]
  private var underWay: Set<Question> = []

  /// Prometheus itself looks every 15 to 60 s: more often nothing new is to be had.
  private static let period = Duration.seconds(5)
  /// Two answers may be missed.
  private static let freshness = period * 3

  package init(providers: [String: any MetricProvider], clock: AgentClock = .host) {
    self.providers = providers
    self.clock = clock
  }

  /// The newest answers to exactly these questions, and begins to ask those that are due.
  package func answers(
    to questions: Set<Question>, at now: Now
  ) -> [Question: Observed<MetricReading>] {
    answers = answers.filter { questions.contains($0.key) }
    for question in questions where !underWay.contains(question) && isDue(question, now) {
      underWay.insert(question)
      Task { await self.ask(question) }
    }
    var known: [Question: Observed<MetricReading>] = [:]
    for question in questions {
      guard let answer = answers[question] else {
        known[question] = .unknown(reason: "not asked yet")
        continue
      }
      let age = now.elapsed(since: answer.at, limit: .seconds(86_400))
      known[question] =
        age <= Self.freshness
        ? answer.value : .unknown(reason: "the last answer is \(age.text) old")
    }
    return known
  }

  private func isDue(_ question: Question, _ now: Now) -> Bool {
    answers[question].map {
      now.elapsed(since: $0.at, limit: .seconds(86_400)) >= Self.period
    } ?? true
  }

  private func ask(_ question: Question) async {
    let value = await value(of: question)
    underWay.remove(question)
    answers[question] = Answer(value: value, at: clock.now())
  }

  private func value(of question: Question) async -> Observed<MetricReading> {
    let metric = question.metric
    guard let provider = providers[metric.provider] else {
      let known = providers.keys.sorted().joined(separator: ", ")
      return .unknown(
        reason: "no provider \"\(metric.provider)\" in the agent's configuration"
          + (known.isEmpty ? "" : ": it knows \(known)"))
    }
    do throws(PlatformError) {
      guard let reading = try await provider.reading(of: metric, with: question.values)
      else { return .unknown(reason: "the query gives no number") }
      return reading.number.isFinite
        ? .known(reading) : .unknown(reason: "\(reading.number) is no number")
    } catch {
      return .unknown(reason: "\(error)")
    }
  }
}
