import Model

/// What holds for all targets of one pass.
struct PassFacts {
  let now: Now
  let interval: Duration
  let conditions: AgentConditions
  let limits: PlanningLimits
  let sources: [SourceName: SourceState]
  /// Every target is paused.
  var isPaused: Bool

  /// Only reports are made.
  var isObserving: Bool { conditions.isObserving }

  /// How much an accumulated clock that was last touched at `clock` grows by.
  func elapsed(since clock: Now?) -> Duration {
    clock.map { now.elapsed(since: $0, limit: interval * 2) } ?? .zero
  }
}
