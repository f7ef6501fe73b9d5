import Agent
import Foundation
import GitSource
import Manifest
import Model

/// What the agent tells the parser in the source worker: platform names and their kinds.
enum ParserContext {
  static func text(_ configuration: AgentConfiguration) throws -> String {
    let kinds = configuration.platforms.map { ($0.name.rawValue, $0.kind) }
    let data = try JSONEncoder().encode(Dictionary(kinds) { first, _ in first })
    return String(decoding: data, as: UTF8.self)
  }

  /// The parser that runs in the worker.
  static func parse(_ snapshot: SourceSnapshot) -> DesiredState {
    do {
      let kinds = try JSONDecoder().decode(
        [String: String].self, from: Data(snapshot.parserContext.utf8))
      var platforms: [PlatformName: PlatformDecoders] = [:]
      for (name, kind) in kinds {
        platforms[PlatformName(rawValue: name)] = try PlatformCatalog.decoders(kind)
      }
      return Manifest.parse(
        snapshot.files.map { ManifestFile(path: $0.path, bytes: $0.bytes) },
        ManifestContext(source: snapshot.source, commit: snapshot.commit, platforms: platforms))
    } catch {
      let problem = Diagnostic(file: "", message: "the agent's platforms cannot be read: \(error)")
      return DesiredState(
        source: snapshot.source, commit: snapshot.commit, diagnostics: [problem])
    }
  }
}
