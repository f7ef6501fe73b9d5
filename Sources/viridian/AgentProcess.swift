import Agent
import Alerts
import Foundation
import GitSource
import LedgerKit
import LedgerStore
import Logging
import Model
import Planning
import PlatformKit
import ServiceLifecycle
import Transport
import UnixSignals
import Web

/// Puts the agent's parts together and runs them until a signal.
struct AgentProcess {
  let configuration: AgentConfiguration
  let level: Logger.Level

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    // Releases must be readable for the users that instances run as; secrets have modes of their own.
    umask(0o022)
    var log = Logger(label: "viridian")
    log.logLevel = level
    guard !configuration.sources.isEmpty else {
      throw AgentError.startup(
        "no source: name one under sources in viridian.yaml, or start in a Git repository with declarations (see `viridian init`)"
      )
    }
    let library = try gitLibrary(log)
    try configuration.prepareDirectories()
    let lease = try Lease.take(path: configuration.leasePath, owner: configuration.owner)
    let key = try IdentityKeyFile.readOrMake(
      configuration.identityKeyPath, hasStacks: configuration.hasStacks)
    let ledger = try openLedger(key, log)
    let daemon = try AgentDaemon(
      AgentDaemon.Ingredients(
        configuration: configuration, key: key, ledger: ledger, lease: lease,
        leasePath: configuration.leasePath, places: try places(key),
        metrics: try MetricCatalog.providers(configuration), sources: try sources(),
        sinks: try sinks(), log: log))
    let stop = StopSwitch()
    let control = ControlService(
      path: configuration.socketPath, ledger: ledger, controls: controls(daemon, stop, log),
      log: log)
    let group = ServiceGroup(
      configuration: .init(
        services: (daemon.services + [control, StopDeadline()]).map {
          .init(service: $0, serviceName: "\(type(of: $0))")
        },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
    stop.action = { await group.triggerGracefulShutdown() }
    log.info(
      "agent started",
      metadata: [
        "version": "\(Version.text)", "owner": "\(configuration.owner)",
        "mode": "\(configuration.mode.rawValue)", "epoch": "\(lease.epoch)",
        "libgit2": "\(library)",
      ])
    try await group.run()
  }

  /// What reads hostile repositories must be repaired, or be accepted as it is.
  private func gitLibrary(_ log: Logger) throws(AgentError) -> GitLibraryVersion {
    let library = GitLibraryVersion.linked()
    guard let problem = library.problem else { return library }
    guard configuration.libgit2 == .warn else {
      throw .startup("\(problem), or accept it with `libgit2: warn`")
    }
    log.warning("libgit2 is not known to be repaired", metadata: ["problem": "\(problem)"])
    return library
  }

  private func places(_ key: IdentityKey) throws -> [PlatformName: Executor.Place] {
    var places: [PlatformName: Executor.Place] = [:]
    for entry in configuration.platforms {
      places[entry.name] = try PlatformCatalog.place(entry, configuration, key: key)
    }
    return places
  }

  private func sources() throws -> [(source: any SnapshotSource, poll: Duration)] {
    let context = try ParserContext.text(configuration)
    let worker = WorkerProgram(["/proc/self/exe", "source-worker"])
    return try configuration.sources.map { entry in
      let git = try GitSource(
        entry.source, directory: "\(configuration.state)/git/\(entry.source.name)",
        worker: worker, user: configuration.workerUser, parserContext: context)
      return (GitSnapshotSource(git), entry.poll)
    }
  }

  private func sinks() throws -> [any AlertSink] {
    var sinks: [any AlertSink] = []
    if let path = configuration.alertFile { sinks.append(FileSink(path: path)) }
    if let webhook = configuration.webhook {
      let secret = try webhook.secretFile.map { path in
        guard let data = FileManager.default.contents(atPath: path) else {
          throw AgentError.startup("alerts.webhook.secretFile: \(path) cannot be read")
        }
        guard data.contains(where: { $0 != UInt8(ascii: "\n") }) else {
          throw AgentError.startup("alerts.webhook.secretFile: \(path) is empty: it is the key")
        }
        return Array(data)
      }
      let http = try HTTPClient(connections: 2)
      sinks.append(
        WebhookSink(url: webhook.url, secret: secret) { url, headers, body in
          var request = HTTPRequest("POST", url: url)
          request.allowedSchemes = [.http, .https]
          request.headers = headers.map { HTTPHeader($0.0, $0.1) }
          request.body = Array(body)
          return try await http.send(request).status
        })
    }
    return sinks
  }

  /// A damaged ledger is a lost one: it is set aside, never overwritten.
  private func openLedger(_ key: IdentityKey, _ log: Logger) throws -> LedgerStore {
    do {
      return try LedgerStore.open(at: configuration.ledgerPath, key: key)
    } catch LedgerError.damaged(let reason) {
      let aside = "\(configuration.ledgerPath).damaged-\(HostClock.wall().milliseconds)"
      log.critical(
        "the ledger is damaged and counts as lost",
        metadata: ["reason": "\(reason)", "setAside": "\(aside)"])
      for suffix in ["", "-wal", "-shm"]
      where FileManager.default.fileExists(atPath: configuration.ledgerPath + suffix) {
        try FileManager.default.moveItem(
          atPath: configuration.ledgerPath + suffix, toPath: aside + suffix)
      }
      return try LedgerStore.open(at: configuration.ledgerPath, key: key)
    }
  }

  private func controls(
    _ daemon: AgentDaemon, _ stop: StopSwitch, _ log: Logger
  ) -> AgentControls {
    let answers = AgentAnswers(
      parts: daemon.parts, shelf: daemon.shelf, pass: Pass(parts: daemon.parts, log: log))
    let owner = configuration.owner
    return AgentControls(
      nudge: daemon.nudgeAll,
      status: {
        await answers.status(version: Version.text, owner: owner, pid: Int(getpid()))
      },
      preview: { await answers.preview($0) },
      logs: { try await answers.logs($0, $1, lines: $2) }, stop: { stop.throwIt() })
  }
}

/// Ends the process a moment after the signal, whatever still waits for a repository or a platform:
/// every write is safe against a kill, and a service manager must not have to send one.
private struct StopDeadline: Service {
  static let limit = DispatchTimeInterval.milliseconds(700)

  func run() async throws {
    try await gracefulShutdown()
    // Not a task: the pool's threads may be what is waited for.
    DispatchQueue(label: "viridian.stop").asyncAfter(deadline: .now() + Self.limit) { _exit(0) }
  }
}

/// Ends the service group from a request; set once, before any request can come.
final class StopSwitch: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: (@Sendable () async -> Void)?

  var action: (@Sendable () async -> Void)? {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }

  func throwIt() {
    guard let action else { return }
    Task { await action() }
  }
}
