import Foundation
import GitSource
import Model
import Planning
import PlatformKit

/// Reads a configuration that was found right, and fills in the defaults.
struct ConfigurationReading {
  let reader: MappingReader
  /// The file's path: what it says is relative to its folder.
  let file: String
  /// Where the user stands: what flags and variables say is relative to this.
  let directory: String
  let variables: [String: String]

  func run() throws(AgentError) -> AgentConfiguration {
    let state = path("state") ?? "\(hasFile ? folder : directory)/.viridian"
    var configuration = AgentConfiguration(state: state)
    configuration.owner = reader.text("owner").map { OwnerID(rawValue: $0) } ?? configuration.owner
    configuration.mode = reader.choice("mode") ?? configuration.mode
    configuration.ledger = path("ledger")
    configuration.socket = path("socket")
    configuration.identityKey = path("identityKey")
    configuration.interval = try duration("interval") ?? configuration.interval
    configuration.inspectEvery = try duration("inspectEvery") ?? configuration.inspectEvery
    configuration.libgit2 = reader.choice("libgit2") ?? configuration.libgit2
    configuration.sources = try sources()
    configuration.platforms = try platforms()
    configuration.metrics = try metrics()
    configuration.environments = reader.list("environments").compactMap(\.text)
      .map { EnvironmentName(rawValue: $0) }
    let alerts = reader.mapping("alerts")
    configuration.alertFile = alerts?["file"].map(path)
    configuration.webhook = try webhook(alerts?.mapping("webhook"))
    configuration.secretsDirectory = reader.mapping("secrets")?["directory"].map(path)
    configuration.artifactRoots = (reader.mapping("artifacts")?.list("fileRoots") ?? []).map(path)
    configuration.artifactHosts = (reader.mapping("artifacts")?.list("hosts") ?? [])
      .compactMap(\.text)
    configuration.limits = limits()
    let history = reader.mapping("history")
    let standard = HistoryEntry()
    configuration.history = HistoryEntry(
      keepFor: history?.duration("keepFor") ?? standard.keepFor,
      keepEntries: history?.integer("keepEntries") ?? standard.keepEntries)
    return configuration
  }

  private var hasFile: Bool { reader.node.file == file }
  private var folder: String { (file as NSString).deletingLastPathComponent }

  private func path(_ field: String) -> String? { reader[field].map(path) }

  private func path(_ node: ManifestNode) -> String {
    ConfigurationLoader.absolute(node.text ?? "", in: node.file == file ? folder : directory)
  }

  private func duration(_ field: String) throws(AgentError) -> Duration? {
    guard let value = reader.duration(field) else { return nil }
    guard value >= .milliseconds(10) else {
      throw .startup(
        (reader[field] ?? reader.node).error("\"\(field)\" is at least 10ms").description)
    }
    return value
  }

  private func webhook(_ given: MappingReader?) throws(AgentError) -> WebhookEntry? {
    guard let given, let node = given["url"], let text = node.text else { return nil }
    let url = URL(string: text)
    guard let scheme = url?.scheme?.lowercased(), ["http", "https"].contains(scheme),
      url?.host?.isEmpty == false
    else {
      // The text itself may hold a secret.
      throw .startup(
        node.error("\"url\" of the webhook is like https://chat.example.org/hook").description)
    }
    return WebhookEntry(url: text, secretFile: given["secretFile"].map(path))
  }

  private func metrics() throws(AgentError) -> [MetricEntry] {
    var entries: [MetricEntry] = []
    for node in reader.list("metrics") {
      let given = MappingReader(node)
      let url = given.text("url") ?? ""
      guard let parts = URL(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
        parts.host?.isEmpty == false, parts.user == nil, parts.query == nil
      else {
        throw .startup(
          (given["url"] ?? node).error("\"url\" is like http://127.0.0.1:9090").description)
      }
      var entry = MetricEntry(
        name: given.text("name") ?? "", kind: given.text("kind") ?? "", url: url)
      entry.tokenFile = given["tokenFile"].map(path)
      entry.caFile = given["ca"].map(path)
      entry.timeout = given.duration("timeout") ?? entry.timeout
      guard !entries.contains(where: { $0.name == entry.name }) else {
        throw .startup(node.error("provider \"\(entry.name)\" is there twice").description)
      }
      entries.append(entry)
    }
    return entries
  }

  private func limits() -> PlanningLimits {
    var limits = PlanningLimits()
    guard let given = reader.mapping("limits") else { return limits }
    limits.concurrentRollouts = given.integer("concurrentRollouts") ?? limits.concurrentRollouts
    limits.removals = given.integer("removals") ?? limits.removals
    limits.removalsPercent = given.integer("removalsPercent") ?? limits.removalsPercent
    limits.agentRemovals = given.integer("agentRemovals") ?? limits.agentRemovals
    limits.agentRemovalsPercent =
      given.integer("agentRemovalsPercent") ?? limits.agentRemovalsPercent
    return limits
  }

  private func platforms() throws(AgentError) -> [PlatformEntry] {
    let nodes = reader.list("platforms")
    guard !nodes.isEmpty else { return [PlatformEntry()] }
    var entries: [PlatformEntry] = []
    for node in nodes {
      let given = MappingReader(node)
      var entry = PlatformEntry()
      entry.name = PlatformName(rawValue: given.text("name") ?? "local")
      entry.kind = given.text("kind") ?? "local"
      entry.directory = given["directory"].map(path)
      entry.reloadEvery = given.duration("reloadEvery") ?? entry.reloadEvery
      if let text = given.text("ports") {
        let ports = text.split(separator: "-").compactMap { Int($0) }
        guard ports.count == 2, ports[0] >= 1024, ports[0] <= ports[1], ports[1] <= 65_535 else {
          throw .startup(node.error("\"ports\" is like 20000-29999").description)
        }
        (entry.firstPort, entry.lastPort) = (ports[0], ports[1])
      }
      guard !entries.contains(where: { $0.name == entry.name }) else {
        throw .startup(node.error("platform \"\(entry.name)\" is there twice").description)
      }
      entries.append(entry)
    }
    return entries
  }

  private func sources() throws(AgentError) -> [SourceEntry] {
    let nodes = reader.list("sources")
    if nodes.isEmpty { return try standardSource().map { [$0] } ?? [] }
    var entries: [SourceEntry] = []
    for node in nodes {
      let entry = try SourceReading(given: MappingReader(node), path: path).run()
      guard !entries.contains(where: { $0.source.name == entry.source.name }) else {
        throw .startup(node.error("source \"\(entry.source.name)\" is there twice").description)
      }
      entries.append(entry)
    }
    return entries
  }

  /// `VIRIDIAN_SOURCE_URL` (and `_BRANCH`) for short, or the repository in which the user stands.
  private func standardSource() throws(AgentError) -> SourceEntry? {
    let branch = variables["VIRIDIAN_SOURCE_BRANCH"]
    if let url = variables["VIRIDIAN_SOURCE_URL"] {
      return SourceEntry(
        source: SourceConfiguration(name: "main", url: url, reference: .branch(branch ?? "main")))
    }
    let head = "\(directory)/.git/HEAD"
    guard let data = FileManager.default.contents(atPath: head) else { return nil }
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    let prefix = "ref: refs/heads/"
    guard text.hasPrefix(prefix) else { return nil }
    return SourceEntry(
      source: SourceConfiguration(
        name: "main", url: directory, reference: .branch(String(text.dropFirst(prefix.count)))),
      poll: .seconds(1))
  }
}
