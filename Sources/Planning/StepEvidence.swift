package import Model

/// What was counted while the candidate had the share of one step, and what the judge makes of it.
///
/// Counters are read as they stand; what they grew by since the step began is added up here, so that it
/// outlives the agent.
package struct StepEvidence: Hashable, Codable, Sendable {
  /// Since the step began; nil: never read.
  package private(set) var candidate: RequestCounts?
  package private(set) var stable: RequestCounts?
  /// The newest readings of the metrics that are asked for.
  package private(set) var metrics: [String: Observed<MetricReading>] = [:]
  /// Accumulated time since the counters were last read.
  package private(set) var age: Duration = .zero
  /// Each counter as it was last read.
  private var last: [String: RequestCounts] = [:]

  package init() {}

  /// A pass that could read nothing.
  package mutating func wait(_ time: Duration) { age += time }

  /// `counts`: of candidate and stable, by series; nil where a stack is not behind the route.
  package mutating func take(
    candidate: [String: RequestCounts]?, stable: [String: RequestCounts]?, isCounted: Bool = true
  ) {
    age = .zero
    add(candidate, to: \.candidate, "candidate", isCounted)
    add(stable, to: \.stable, "stable", isCounted)
  }

  package mutating func take(metrics: [String: Observed<MetricReading>]) {
    self.metrics = metrics
  }

  private mutating func add(
    _ series: [String: RequestCounts]?, to place: WritableKeyPath<StepEvidence, RequestCounts?>,
    _ arm: String, _ isCounted: Bool
  ) {
    guard let series else { return }
    let isFirst = self[keyPath: place] == nil
    var sum = self[keyPath: place] ?? RequestCounts()
    for (name, now) in series {
      let key = "\(arm) \(name)"
      // One that is there from the start has counted before; one that comes later begins at zero, and one
      // that has fallen began anew.
      let before = last[key] ?? (isFirst ? now : RequestCounts())
      last[key] = now
      guard isCounted else { continue }
      sum.requests += grown(now.requests, before.requests)
      sum.errors += grown(now.errors, before.errors)
    }
    self[keyPath: place] = sum
  }

  private func grown(_ now: Int, _ before: Int) -> Int { now >= before ? now - before : now }
}
