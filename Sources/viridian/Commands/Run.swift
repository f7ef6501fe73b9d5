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

      Every field of the configuration is also a flag and a variable: flag before variable before \
      file. Lists are written in YAML: --sources '{ name: main, url: "https://…", branch: main }'. \
      No secret is ever a value: each is a file that is named.
      """)
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup(title: "Fields of the configuration") var flags: ConfigurationFlags
  @Option(help: "trace, debug, info, notice, warning, error or critical (VIRIDIAN_LOG_LEVEL).")
  var logLevel: String?

  func run() async throws {
    let configuration = try options.load(flags.given)
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
