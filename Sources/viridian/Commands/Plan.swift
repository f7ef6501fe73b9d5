import Agent
import ArgumentParser
import Display
import Foundation
import GitSource
import Manifest
import Model

struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a commit would launch, shift and retire, and why. Exit code 1 for differences.",
    discussion: "Asks the running agent's own planner; nothing is recorded and nothing is done.")
  @Option(help: "The Git revision to plan for; without it the files as they are.") var ref: String?
  @Option(help: "Only targets that differ from this revision.") var base: String?
  @Option(help: "The declarations' directory.", completion: .directory) var directory = "."
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let configuration = try options.load()
    let source = configuration.sources.first?.source.name ?? "main"
    let platforms = try PlatformCatalog.decoders(configuration)
    let context = ManifestContext(
      source: source, commit: "preview", platforms: platforms, serving: configuration.environments)
    let desired = try parse(ref, context)
    let errors = desired.diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else {
      throw Complaint(errors.map(\.description.visible).joined(separator: "\n"))
    }
    let client = try AgentClient(socket: configuration.socketPath)
    var statuses = try await client.preview(desired)
    if let base {
      let before = Set(try parse(base, context).targets.map(\.unplaced))
      let changed = Set(desired.targets.filter { !before.contains($0.unplaced) }.map(\.id))
      statuses = statuses.filter { changed.contains($0.target) }
    }
    print(output.renderer.plan(statuses), terminator: "")
    if statuses.contains(where: { $0.sync != .synced }) { throw ExitCode.differences }
  }

  /// The context names no commit, so that two revisions compare by what they declare.
  private func parse(_ revision: String?, _ context: ManifestContext) throws -> DesiredState {
    let files = DeclarationFiles(directory: directory)
    return Manifest.parse(try revision.map(files.read(at:)) ?? files.read(), context)
  }
}

extension DesiredTarget {
  /// A target that only moved in its file is the same.
  fileprivate var unplaced: DesiredTarget {
    var target = self
    target.declaredAt = nil
    return target
  }
}
