package import Alerts
import Foundation
package import LedgerKit
package import Logging
package import Model
import Planning
package import PlatformKit
package import ServiceLifecycle
import Transport

/// The agent's parts put together: built once at the start, then only run.
package struct AgentDaemon: Sendable {
  package let parts: AgentParts
  package let services: [any Service]
  package let shelf: StateShelf
  /// Asks every source and runs a pass.
  package let nudgeAll: @Sendable () -> Void

  /// What the product gives: everything that is concrete.
  package struct Ingredients: Sendable {
    package var configuration: AgentConfiguration
    package var key: IdentityKey
    package var ledger: any Ledger & AlertOutbox
    package var lease: Lease?
    package var leasePath: String
    package var places: [PlatformName: Executor.Place]
    package var metrics: [String: any MetricProvider]
    package var sources: [(source: any SnapshotSource, poll: Duration)]
    package var sinks: [any AlertSink]
    package var log: Logger
    package init(
      configuration: AgentConfiguration, key: IdentityKey, ledger: any Ledger & AlertOutbox,
      lease: Lease? = nil,
      leasePath: String, places: [PlatformName: Executor.Place],
      metrics: [String: any MetricProvider] = [:],
      sources: [(source: any SnapshotSource, poll: Duration)], sinks: [any AlertSink], log: Logger
    ) {
      self.configuration = configuration
      self.key = key
      self.ledger = ledger
      self.lease = lease
      self.leasePath = leasePath
      self.places = places
      self.metrics = metrics
      self.sources = sources
      self.sinks = sinks
      self.log = log
    }
  }

  package init(_ given: Ingredients) throws {
    let configuration = given.configuration
    let nudge = Nudge()
    let board = SourceBoard(nudge: nudge, sources: given.sources.map(\.source.name))
    let cache = ArtifactCache(
      directory: try folder("\(configuration.state)/artifacts"),
      sources: given.sources.map(\.source), http: try HTTPClient(connections: 8),
      roots: configuration.artifactRoots, hosts: configuration.artifactHosts)
    let resolver = Resolver(
      artifacts: cache,
      secrets: SecretFiles(directory: configuration.secretsDirectory, key: given.key), nudge: nudge)
    let executor = Executor(
      places: given.places,
      assembly: LaunchAssembly(owner: configuration.owner, key: given.key, supply: resolver),
      ledger: given.ledger, lease: given.lease, nudge: nudge, log: given.log)
    let delivery = AlertDelivery(
      sinks: given.sinks, ledger: given.ledger, now: HostClock.now, log: given.log)
    parts = AgentParts(
      ledger: given.ledger, places: given.places, board: board, executor: executor,
      prober: Prober(
        probe: EndpointProbe(http: try HTTPClient(connections: 256)),
        checks: given.places.compactMapValues(\.checks), nudge: nudge),
      inspector: Inspector(interval: configuration.inspectEvery, nudge: nudge), resolver: resolver,
      tests: TestRunner(caller: PreviewTest(http: try HTTPClient(connections: 8))),
      metrics: MetricReader(providers: given.metrics), lease: given.lease,
      leasePath: given.leasePath, mode: configuration.mode,
      environments: Set(configuration.environments), interval: configuration.interval,
      limits: configuration.limits, alertsQueued: delivery.nudge)
    shelf = StateShelf()
    let store = LastGoodStore(
      directory: try folder("\(configuration.state)/sources"), key: given.key)
    let wakes = given.sources.map { _ in Nudge() }
    nudgeAll = {
      for wake in wakes { wake() }
      nudge()
    }
    services =
      zip(given.sources, wakes).map { entry, wake in
        SourceService(
          source: entry.source, board: board, store: store, lease: given.lease, poll: entry.poll,
          wake: wake, log: given.log)
      } + [
        PassService(parts: parts, nudge: nudge, shelf: shelf, log: given.log),
        AlertService(delivery: delivery),
        HistoryKeeper(
          ledger: given.ledger, settings: configuration.history, cache: cache, shelf: shelf,
          log: given.log),
      ]
  }
}

/// Makes the folder, only for its owner, when it is not there.
func folder(_ path: String) throws -> String {
  try FileManager.default.createDirectory(
    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  return path
}
