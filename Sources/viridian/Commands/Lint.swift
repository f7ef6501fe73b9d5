import Agent
import ArgumentParser
import Display
import Foundation
import Manifest
import Model

struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint",
    abstract: "Checks declarations without an agent. Exit code 1 when anything is wrong.",
    discussion: """
      Each directory is one source: with all that an agent watches, it also finds targets that \
      two of them declare.
      """)
  @Argument(help: "The declarations' directories.", completion: .directory)
  var directories = ["."]
  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    let configuration = try options.load()
    let platforms = try PlatformCatalog.decoders(configuration)
    var states: [DesiredState] = []
    var files = 0
    for directory in directories {
      let found = try DeclarationFiles(directory: directory).read()
      files += found.count
      states.append(
        Manifest.parse(
          found.map { ManifestFile(path: place($0.path, in: directory), bytes: $0.bytes) },
          ManifestContext(
            source: SourceName(rawValue: directory), commit: "", platforms: platforms,
            serving: configuration.environments)))
    }
    var told: Set<Diagnostic> = []
    let problems = (states.flatMap(\.diagnostics) + Lint.problems(states, platforms))
      .filter { told.insert($0).inserted }
    for problem in problems { print(problem.description.visible) }
    let errors = problems.count { $0.severity == .error }
    print("\(files) files, \(states.reduce(0) { $0 + $1.targets.count }) targets, \(errors) errors")
    if errors > 0 { throw ExitCode.differences }
  }

  /// Of several directories each problem names its own.
  private func place(_ path: String, in directory: String) -> String {
    guard directories.count > 1 else { return path }
    return directory.hasSuffix("/") ? directory + path : "\(directory)/\(path)"
  }
}
