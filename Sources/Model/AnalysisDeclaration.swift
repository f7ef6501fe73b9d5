/// What each step of a canary must show by the traffic that it gets, compared with stable.
package struct AnalysisDeclaration: Hashable, Codable, Sendable {
  package enum NoTraffic: String, Hashable, Codable, Sendable, CaseIterable {
    /// Nothing was shown, so nothing goes on.
    case hold
    /// A step in which nobody asked anything goes on, and is shown as unjudged.
    case allow
  }

  /// One number that a provider is asked for.
  package struct Metric: Hashable, Codable, Sendable {
    package var name: String
    /// A provider of the agent's configuration.
    package var provider: String
    /// What is known of the candidate; what `${…}` in a query may name.
    package enum Value: String, CaseIterable, Sendable {
      case application, digest, environment, generation, stack, target, version
    }

    /// What a webhook is told beside the `metadata` that are declared.
    package static let inMetadata: [Value] = [.generation, .stack, .target, .version]

    /// In the provider's language, with `${stack}` and the like as they are written; nil: for a webhook.
    package var query: String?
    /// For a webhook; nil: nothing is declared.
    package var metadata: [String: String]?
    /// At least one of both is given; outside of them the candidate fails.
    package var minimum: Double?
    package var maximum: Double?
    package init(
      name: String, provider: String, query: String? = nil, metadata: [String: String]? = nil,
      minimum: Double? = nil, maximum: Double? = nil
    ) {
      self.name = name
      self.provider = provider
      self.query = query
      self.metadata = metadata
      self.minimum = minimum
      self.maximum = maximum
    }
  }

  /// The candidate fails when it is shown to have more than so many times the errors of stable.
  package var errorRatio: Double = 1.5
  /// It passes when it is shown to have less than so much more of them, in percentage points.
  package var errorMarginPoints: Double = 1
  /// It fails when it is shown to have more than this share of errors, in percent; nil: no such bound.
  package var errorCeilingPercent: Double?
  /// No step passes with fewer requests to the candidate.
  package var minimumRequests: Int = 300
  package var noTraffic: NoTraffic = .hold
  /// So long after its bake a step waits for a verdict; then the candidate is taken back.
  package var deadline: Duration = .seconds(1800)
  package var metrics: [Metric] = []
  package init() {}
}
