package import GitSource
package import Model
package import Planning

/// The agent's configuration (`viridian.yaml`), complete: every default is filled in.
package struct AgentConfiguration: Sendable {
  package var owner: OwnerID = "viridian"
  package var mode: AgentConditions.Mode = .act
  /// Ledger, Git stores, artifact cache and, unless a platform says otherwise, stacks live below.
  package var state: String
  package var sources: [SourceEntry] = []
  package var platforms: [PlatformEntry] = [PlatformEntry()]
  /// Environments that this agent serves; empty: all.
  package var environments: [EnvironmentName] = []
  /// Path of the ledger's file; nil: `<state>/ledger.sqlite`.
  package var ledger: String?
  /// Path of the control socket; nil: `<state>/agent.sock`.
  package var socket: String?
  /// Path of the identity key; nil: `<state>/identity.key`.
  package var identityKey: String?
  /// The usual time between two passes.
  package var interval: Duration = .seconds(1)
  /// The time between two inspections of one stack.
  package var inspectEvery: Duration = .seconds(10)
  package var libgit2: LibraryPolicy = .require
  package var alertFile: String?
  package var webhook: WebhookEntry?
  /// Where `${secret:file:NAME}` is read.
  package var secretsDirectory: String?
  /// Folders below which `file://` artifacts may lie.
  package var artifactRoots: [String] = []
  /// Hosts of `https://` artifacts that may have an address that is not public: `name` for any port,
  /// or `name:port`.
  package var artifactHosts: [String] = []
  package var limits: PlanningLimits = PlanningLimits()
  package var history: HistoryEntry = HistoryEntry()
  package var metrics: [MetricEntry] = []
  package init(
    owner: OwnerID = "viridian", mode: AgentConditions.Mode = .act, state: String,
    sources: [SourceEntry] = [], platforms: [PlatformEntry] = [PlatformEntry()],
    environments: [EnvironmentName] = [], ledger: String? = nil, socket: String? = nil,
    identityKey: String? = nil, interval: Duration = .seconds(1),
    inspectEvery: Duration = .seconds(10), alertFile: String? = nil, webhook: WebhookEntry? = nil,
    secretsDirectory: String? = nil, artifactRoots: [String] = [],
    limits: PlanningLimits = PlanningLimits(), history: HistoryEntry = HistoryEntry()
  ) {
    self.owner = owner
    self.mode = mode
    self.state = state
    self.sources = sources
    self.platforms = platforms
    self.environments = environments
    self.ledger = ledger
    self.socket = socket
    self.identityKey = identityKey
    self.interval = interval
    self.inspectEvery = inspectEvery
    self.alertFile = alertFile
    self.webhook = webhook
    self.secretsDirectory = secretsDirectory
    self.artifactRoots = artifactRoots
    self.limits = limits
    self.history = history
  }

  package var ledgerPath: String { ledger ?? "\(state)/ledger.sqlite" }
  package var socketPath: String { socket ?? "\(state)/agent.sock" }
  package var identityKeyPath: String { identityKey ?? "\(state)/identity.key" }
}

/// What a library that is not known to be repaired gets.
package enum LibraryPolicy: String, Sendable {
  case require
  case warn
}

/// One platform of the configuration.
package struct PlatformEntry: Sendable {
  package var name: PlatformName = "local"
  package var kind: String = "local"
  /// nil: `<state>/<name>`.
  package var directory: String?
  package var firstPort: Int = 20_000
  package var lastPort: Int = 29_999
  /// At most one reload of the router in this time.
  package var reloadEvery: Duration = .seconds(10)
  package init(
    name: PlatformName = "local", kind: String = "local", directory: String? = nil,
    firstPort: Int = 20_000, lastPort: Int = 29_999, reloadEvery: Duration = .seconds(10)
  ) {
    self.name = name
    self.kind = kind
    self.directory = directory
    self.firstPort = firstPort
    self.lastPort = lastPort
    self.reloadEvery = reloadEvery
  }
}

/// One provider of metrics.
package struct MetricEntry: Sendable {
  package var name: String
  package var kind: String
  package var url: String
  package var tokenFile: String?
  /// PEM, instead of the system's authorities.
  package var caFile: String?
  package var timeout: Duration = .seconds(5)
  package init(name: String, kind: String, url: String) {
    self.name = name
    self.kind = kind
    self.url = url
  }
}

package struct WebhookEntry: Sendable {
  package var url: String
  package var secretFile: String?
  package init(url: String, secretFile: String? = nil) {
    self.url = url
    self.secretFile = secretFile
  }
}

/// How much history the ledger keeps.
package struct HistoryEntry: Sendable {
  package var keepFor: Duration = .seconds(90 * 86_400)
  /// The newest entries of each target stay, however old.
  package var keepEntries: Int = 200
  package init(keepFor: Duration = .seconds(90 * 86_400), keepEntries: Int = 200) {
    self.keepFor = keepFor
    self.keepEntries = keepEntries
  }
}

/// One watched repository of the configuration.
package struct SourceEntry: Sendable {
  package var source: SourceConfiguration
  /// The time between two listings.
  package var poll: Duration = .seconds(30)
  package init(source: SourceConfiguration, poll: Duration = .seconds(30)) {
    self.source = source
    self.poll = poll
  }
}
