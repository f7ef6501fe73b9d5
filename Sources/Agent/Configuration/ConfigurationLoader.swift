import Foundation
import GitSource
import Manifest
import Model
import Planning
import PlatformKit

/// Flags over variables over the file over the defaults.
package enum ConfigurationLoader {
  /// Fields that are also flags and `VIRIDIAN_…` variables: one plain value each.
  package static let plainFields = [
    "owner", "mode", "state", "ledger", "socket", "identityKey", "interval", "inspectEvery",
  ]

  /// `file`: named by the user, so it must exist; nil: VIRIDIAN_CONFIG, or ./viridian.yaml where it
  /// exists. Relative paths are relative to the file.
  package static func load(
    file: String?, flags: [String: String], variables: [String: String], directory: String
  ) throws(AgentError) -> AgentConfiguration {
    let named = file ?? variables["VIRIDIAN_CONFIG"]
    let path = absolute(named ?? "viridian.yaml", in: directory)
    var node = ManifestNode(content: .mapping([]), file: "configuration", line: 0, column: 0)
    var base = directory
    if named != nil || FileManager.default.fileExists(atPath: path) {
      node = try read(path)
      base = (path as NSString).deletingLastPathComponent
    }
    var plain: [String: String] = [:]
    for field in plainFields {
      plain[field] = flags[field] ?? variables[variable(field)]
    }
    return try ConfigurationReading(
      reader: MappingReader(node), plain: plain, base: base, directory: directory,
      variables: variables
    ).run()
  }

  /// `identityKey` → `VIRIDIAN_IDENTITY_KEY`.
  package static func variable(_ field: String) -> String {
    "VIRIDIAN_"
      + field.reduce(into: "") { text, letter in
        text += letter.isUppercase ? "_\(letter)" : letter.uppercased()
      }
  }

  static func absolute(_ path: String, in directory: String) -> String {
    path.hasPrefix("/")
      ? path
      : URL(fileURLWithPath: directory).appending(path: path)
        .standardized.path
  }

  private static func read(_ path: String) throws(AgentError) -> ManifestNode {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .startup("the configuration \(path) cannot be read: \(lastSystemError())")
    }
    switch YAMLReader.documents(Array(data), file: path) {
    case .failure(let problem): throw .startup(problem.diagnostic.description)
    case .success(let nodes):
      guard nodes.count == 1, let node = nodes.first else {
        throw .startup("\(path): expected one YAML document, found \(nodes.count)")
      }
      let problems = node.problems(ConfigurationFields.all)
      guard problems.isEmpty else {
        throw .startup(problems.map(\.description).joined(separator: "\n"))
      }
      return node
    }
  }
}
