package import LedgerKit
package import Model
package import Planning

/// Everything a pass talks to.
package struct AgentParts: Sendable {
  package var ledger: any Ledger
  package var places: [PlatformName: Executor.Place]
  package var board: SourceBoard
  package var executor: Executor
  package var prober: Prober
  package var inspector: Inspector
  package var resolver: Resolver
  package var metrics: MetricReader
  package var tests: TestRunner
  package var lease: (any WriterLease)?
  package var leasePath: String
  package var mode: AgentConditions.Mode
  /// Environments this agent serves; empty: all.
  package var environments: Set<EnvironmentName>
  package var interval: Duration
  package var limits: PlanningLimits
  /// Alerts were committed: whoever delivers them looks at once.
  package var alertsQueued: @Sendable () -> Void
  package init(
    ledger: any Ledger, places: [PlatformName: Executor.Place], board: SourceBoard,
    executor: Executor, prober: Prober, inspector: Inspector, resolver: Resolver,
    tests: TestRunner, metrics: MetricReader = MetricReader(providers: [:]),
    lease: (any WriterLease)? = nil,
    leasePath: String, mode: AgentConditions.Mode,
    environments: Set<EnvironmentName>, interval: Duration, limits: PlanningLimits,
    alertsQueued: @escaping @Sendable () -> Void
  ) {
    self.ledger = ledger
    self.places = places
    self.board = board
    self.executor = executor
    self.prober = prober
    self.inspector = inspector
    self.resolver = resolver
    self.metrics = metrics
    self.tests = tests
    self.lease = lease
    self.leasePath = leasePath
    self.mode = mode
    self.environments = environments
    self.interval = interval
    self.limits = limits
    self.alertsQueued = alertsQueued
  }
}
