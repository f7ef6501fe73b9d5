import Agent
import Foundation
import GitSource
import Manifest
import Model

/// What the agent tells the parser in the source worker.
struct ParserContext: Codable {
  /// The kind of each platform by its name.
  private let platforms: [String: String]
  /// The environments that the agent serves; empty: all.
  private let environments: [EnvironmentName]

  static func text(_ configuration: AgentConfiguration) throws -> String {
    let kinds = configuration.platforms.map { ($0.name.rawValue, $0.kind) }
    let context = ParserContext(
      platforms: Dictionary(kinds) { first, _ in first }, environments: configuration.environments)
    return String(decoding: try JSONEncoder().encode(context), as: UTF8.self)
  }

  /// What runs in the worker.
  static let parser = SnapshotParser(
    read: { FileReading($0, file: "").encoded }, assemble: { assemble($0) })

  private static func assemble(_ snapshot: SourceSnapshot) -> DesiredState {
    do {
      let context = try JSONDecoder().decode(Self.self, from: Data(snapshot.parserContext.utf8))
      var platforms: [PlatformName: PlatformDecoders] = [:]
      for (name, kind) in context.platforms {
        platforms[PlatformName(rawValue: name)] = try PlatformCatalog.decoders(kind)
      }
      return Manifest.assemble(
        snapshot.files.map { ($0.path, reading(of: $0)) },
        ManifestContext(
          source: snapshot.source, commit: snapshot.commit, platforms: platforms,
          serving: context.environments))
    } catch {
      let problem = Diagnostic(file: "", message: "the agent's platforms cannot be read: \(error)")
      return DesiredState(
        source: snapshot.source, commit: snapshot.commit, diagnostics: [problem])
    }
  }

  /// An error removes nothing, whatever the lost reading declared.
  private static func reading(of file: SourceFile) -> FileReading {
    FileReading(encoded: file.reading, file: file.path)
      ?? .unreadable(Diagnostic(file: file.path, message: "what was kept of it cannot be read"))
  }
}

extension ManifestContext {
  /// With the time zones of this host. `environments`: empty means all.
  init(
    source: SourceName, commit: CommitID, platforms: [PlatformName: PlatformDecoders],
    serving environments: [EnvironmentName]
  ) {
    self.init(
      source: source, commit: commit, platforms: platforms,
      environments: environments.isEmpty ? nil : Set(environments),
      isTimeZone: { TimeZone(identifier: $0) != nil })
  }
}
