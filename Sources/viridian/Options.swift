import Agent
import ArgumentParser
import Display
import Foundation
import Model

/// Where the configuration and the agent are.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "The agent's configuration file (VIRIDIAN_CONFIG; ./viridian.yaml where it exists).")
  var config: String?

  @Option(name: .long, help: "Where the agent keeps its state (VIRIDIAN_STATE).")
  var state: String?

  @Option(name: .long, help: "The agent's control socket (VIRIDIAN_SOCKET).")
  var socket: String?

  /// The configuration with flags over variables over the file over the defaults.
  func load(_ flags: [String: [String]] = [:]) throws -> AgentConfiguration {
    var flags = flags
    flags["state"] = state.map { [$0] }
    flags["socket"] = socket.map { [$0] }
    return try ConfigurationLoader.load(
      file: config, flags: flags, variables: ProcessInfo.processInfo.environment,
      directory: FileManager.default.currentDirectoryPath)
  }

  func client() throws -> AgentClient { try AgentClient(socket: try load().socketPath) }
}

/// How answers are printed.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .long], help: "table, json, yaml or markdown.")
  var output: OutputFormat = .table

  @Flag(name: .long, help: "No colours, also on a terminal (NO_COLOR).")
  var noColor = false

  /// Colours only for a person at a terminal.
  var isColored: Bool {
    !noColor && isatty(STDOUT_FILENO) == 1
      && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
  }
}

extension OutputFormat: ExpressibleByArgument {}

extension TargetID: ExpressibleByArgument {
  package init?(argument: String) { self.init(parsing: argument) }
}

/// `--reason`, kept with the request in the history.
struct ReasonOptions: ParsableArguments {
  @Option(name: .long, help: "Why; kept in the history.")
  var reason: String?
}

extension OutputOptions {
  var renderer: Output { Output(format: output, isColored: isColored) }
}
