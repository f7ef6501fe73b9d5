import Foundation
import Manifest
import Model
import PlatformKit

/// Flags over variables over the file over the defaults.
package enum ConfigurationLoader {
  /// `file`: named by the user, so it must exist; nil: VIRIDIAN_CONFIG, or ./viridian.yaml where it
  /// exists. `flags`: by `ConfigurationSetting.key`. Relative paths are relative to the file; of
  /// flags and variables to `directory`.
  ///
  /// Errors: `.startup` with every problem that was found.
  package static func load(
    file: String?, flags: [String: [String]], variables: [String: String], directory: String
  ) throws(AgentError) -> AgentConfiguration {
    let named = file ?? variables["VIRIDIAN_CONFIG"]
    let path = absolute(named ?? "viridian.yaml", in: directory)
    var node = ManifestNode(content: .mapping([]), file: "configuration", line: 0, column: 0)
    if named != nil || FileManager.default.fileExists(atPath: path) { node = try read(path) }
    node = try ConfigurationOverlay(flags: flags, variables: variables).applied(to: node)
    let problems = node.problems(ConfigurationFields.all)
    guard problems.isEmpty else {
      throw .startup(problems.map(\.description).joined(separator: "\n"))
    }
    return try ConfigurationReading(
      reader: MappingReader(node), file: path, directory: directory, variables: variables
    ).run()
  }

  static func absolute(_ path: String, in directory: String) -> String {
    path.hasPrefix("/")
      ? path
      : URL(fileURLWithPath: directory).appending(path: path)
        .standardized.path
  }

  private static func read(_ path: String) throws(AgentError) -> ManifestNode {
    var isDirectory: ObjCBool = false
    guard
      !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        || !isDirectory.boolValue
    else { throw .startup("the configuration \(path) is a directory: name a file") }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .startup("the configuration \(path) cannot be read: \(lastSystemError())")
    }
    switch YAMLReader.documents(Array(data), file: path) {
    case .failure(let problem): throw .startup(problem.diagnostic.description)
    case .success(let nodes):
      guard nodes.count == 1, let node = nodes.first else {
        throw .startup("\(path): expected one YAML document, found \(nodes.count)")
      }
      return node
    }
  }
}
