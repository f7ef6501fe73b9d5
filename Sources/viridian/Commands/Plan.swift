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
  @Option(help: "Only targets that differ from this revision, those that are gone included.")
  var base: String?
  @Option(help: "As this source; without it the one whose url is this repository.")
  var source: String?
  @Option(
    help: "The declarations' directory; at a repository's top, the source's path below it.",
    completion: .directory)
  var directory = "."
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let configuration = try options.load()
    let source = try chosen(of: configuration.sources.map(\.source))
    let files = DeclarationFiles(directory: directory).below(source?.path ?? "")
    let platforms = try PlatformCatalog.decoders(configuration)
    let context = ManifestContext(
      source: source?.name ?? "main", commit: "preview", platforms: platforms,
      serving: configuration.environments)
    let desired = try parse(ref, files, context)
    let errors = desired.diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else {
      throw Complaint(errors.map(\.description.visible).joined(separator: "\n"))
    }
    let client = try AgentClient(socket: configuration.socketPath)
    var statuses = try await client.preview(desired)
    var gone: Set<TargetID> = []
    if let base {
      let before = try parse(base, files, context).targets.map(\.unplaced)
      let changed = Set(desired.targets.map(\.unplaced)).subtracting(before).map(\.id)
      gone = Set(before.map(\.id)).subtracting(desired.targets.map(\.id))
      statuses = statuses.filter { changed.contains($0.target) || gone.contains($0.target) }
      for id in gone.subtracting(statuses.map(\.target)) {
        statuses.append(
          TargetStatus(
            target: id, explanation: ["is not declared any more; the agent does not run it"]))
      }
      statuses.sort { $0.target < $1.target }
    }
    print(output.renderer.plan(statuses), terminator: "")
    let isDifferent = statuses.contains { $0.sync != .synced || gone.contains($0.target) }
    if isDifferent { throw ExitCode.differences }
  }

  /// nil: none is configured.
  private func chosen(of sources: [SourceConfiguration]) throws -> SourceConfiguration? {
    let names = sources.map(\.name.rawValue).joined(separator: ", ")
    if let source {
      guard let named = sources.first(where: { $0.name.rawValue == source }) else {
        throw Complaint("--source: no source \"\(source)\" is configured; known: \(names)")
      }
      return named
    }
    guard sources.count > 1 else { return sources.first }
    let files = DeclarationFiles(directory: directory)
    let (addresses, prefix) = (files.addresses(), files.prefix)
    var matching = sources.filter { addresses.contains(DeclarationFiles.plain($0.url)) }
    // Of one repository, the source whose path this directory is.
    if matching.count > 1 { matching.removeAll { DeclarationFiles.plain($0.path) != prefix } }
    guard matching.count == 1 else {
      throw Complaint("which source is \(directory)? Say --source with one of \(names)")
    }
    return matching.first
  }

  /// The context names no commit, so that two revisions compare by what they declare.
  private func parse(
    _ revision: String?, _ files: DeclarationFiles, _ context: ManifestContext
  ) throws -> DesiredState {
    Manifest.parse(try revision.map(files.read(at:)) ?? files.read(), context)
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
