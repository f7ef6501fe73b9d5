import Agent
import ArgumentParser
import Display
import Foundation
import Manifest
import Model

struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint",
    abstract: "Checks declarations without an agent. Exit code 1 when anything is wrong.")
  @Argument(help: "The declarations' directory.", completion: .directory)
  var directory = "."
  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    let configuration = try options.load()
    let platforms = try PlatformCatalog.decoders(configuration)
    let files = try DeclarationFiles(directory: directory).read()
    let state = Manifest.parse(
      files,
      ManifestContext(
        source: "lint", commit: "", platforms: platforms, serving: configuration.environments))
    let problems = state.diagnostics + Lint.problems([state], platforms)
    for problem in problems { print(problem.description.visible) }
    let errors = problems.count { $0.severity == .error }
    print("\(files.count) files, \(state.targets.count) targets, \(errors) errors")
    if errors > 0 { throw ExitCode.differences }
  }
}
