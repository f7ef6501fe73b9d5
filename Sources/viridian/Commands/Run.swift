import Agent
import Alerts
import ArgumentParser
import Foundation
import GitSource
import LedgerKit
import LedgerStore
import Logging
import Model
import ServiceLifecycle
import Transport
import Web

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the agent.",
    discussion: """
      Without a configuration, in a directory that is a Git repository with declarations, it runs \
      on the embedded defaults: local platform, SQLite ledger, state in .viridian.
      """)
  @OptionGroup var options: ConfigurationOptions
  @Option(help: "Who owns the stacks (VIRIDIAN_OWNER).") var owner: String?
  @Option(help: "observe or act (VIRIDIAN_MODE).") var mode: String?
  @Option(help: "The ledger's file (VIRIDIAN_LEDGER).") var ledger: String?
  @Option(help: "The identity key's file (VIRIDIAN_IDENTITY_KEY).") var identityKey: String?
  @Option(help: "Time between two passes (VIRIDIAN_INTERVAL).") var interval: String?
  @Option(help: "Time between two looks for drift (VIRIDIAN_INSPECT_EVERY).")
  var inspectEvery: String?
  @Option(help: "trace, debug, info, notice, warning, error or critical (VIRIDIAN_LOG_LEVEL).")
  var logLevel: String?

  func run() async throws {
    let configuration = try options.load(
      [
        "owner": owner, "mode": mode, "ledger": ledger, "identityKey": identityKey,
        "interval": interval, "inspectEvery": inspectEvery,
      ].compactMapValues { $0 })
    let variable = ProcessInfo.processInfo.environment["VIRIDIAN_LOG_LEVEL"]
    let level = try (logLevel ?? variable).map(Self.level) ?? .info
    try await AgentProcess(configuration: configuration, level: level).run()
  }

  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else {
      let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      throw Complaint("no log level \"\(text)\": choose one of \(known)")
    }
    return level
  }
}
