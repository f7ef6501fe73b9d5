import Agent
import ArgumentParser
import PlatformKit

/// Every field of `viridian.yaml` as a flag; `--state` and `--socket` are `ConfigurationOptions`'.
///
/// Properties are named after their keys (`alerts.webhook.url`: `alertsWebhookUrl`):
/// a test compares them with the table of fields.
struct ConfigurationFlags: ParsableArguments {
  @Option(help: help("owner")) var owner: String?
  @Option(help: help("mode")) var mode: String?
  @Option(help: help("sources")) var sources: [String] = []
  @Option(help: help("platforms")) var platforms: [String] = []
  @Option(help: help("metrics")) var metrics: [String] = []
  @Option(help: help("environments")) var environments: [String] = []
  @Option(help: help("ledger")) var ledger: String?
  @Option(help: help("identityKey")) var identityKey: String?
  @Option(help: help("interval")) var interval: String?
  @Option(help: help("inspectEvery")) var inspectEvery: String?
  @Option(help: help("libgit2")) var libgit2: String?
  @Option(help: help("alerts.file")) var alertsFile: String?
  @Option(help: help("alerts.webhook.url")) var alertsWebhookUrl: String?
  @Option(help: help("alerts.webhook.secretFile")) var alertsWebhookSecretFile: String?
  @Option(help: help("secrets.directory")) var secretsDirectory: String?
  @Option(help: help("artifacts.fileRoots")) var artifactsFileRoots: [String] = []
  @Option(help: help("artifacts.hosts")) var artifactsHosts: [String] = []
  @Option(help: help("limits.concurrentRollouts")) var limitsConcurrentRollouts: String?
  @Option(help: help("limits.removals")) var limitsRemovals: String?
  @Option(help: help("limits.removalsPercent")) var limitsRemovalsPercent: String?
  @Option(help: help("limits.agentRemovals")) var limitsAgentRemovals: String?
  @Option(help: help("limits.agentRemovalsPercent")) var limitsAgentRemovalsPercent: String?
  @Option(help: help("history.keepFor")) var historyKeepFor: String?
  @Option(help: help("history.keepEntries")) var historyKeepEntries: String?

  /// What was given, by the setting's key.
  var given: [String: [String]] {
    let lists = [
      "sources": sources, "platforms": platforms, "metrics": metrics, "environments": environments,
      "artifacts.fileRoots": artifactsFileRoots, "artifacts.hosts": artifactsHosts,
    ]
    let plain = [
      "owner": owner, "mode": mode, "ledger": ledger, "identityKey": identityKey,
      "interval": interval, "inspectEvery": inspectEvery, "libgit2": libgit2,
      "alerts.file": alertsFile, "alerts.webhook.url": alertsWebhookUrl,
      "alerts.webhook.secretFile": alertsWebhookSecretFile, "secrets.directory": secretsDirectory,
      "limits.concurrentRollouts": limitsConcurrentRollouts, "limits.removals": limitsRemovals,
      "limits.removalsPercent": limitsRemovalsPercent, "limits.agentRemovals": limitsAgentRemovals,
      "limits.agentRemovalsPercent": limitsAgentRemovalsPercent,
      "history.keepFor": historyKeepFor, "history.keepEntries": historyKeepEntries,
    ]
    return lists.filter { !$0.value.isEmpty }
      .merging(plain.compactMapValues { $0.map { [$0] } }) { first, _ in first }
  }
}

/// The field's own sentence, its variable and how a list is written.
private func help(_ key: String) -> ArgumentHelp {
  guard let setting = ConfigurationSetting.all.first(where: { $0.key == key }) else {
    preconditionFailure("no field \(key)")
  }
  let form = setting.isList ? " In YAML, a list or an item of it; repeatable." : ""
  return "\(setting.field.meaning)\(form) (\(setting.variable))"
}
