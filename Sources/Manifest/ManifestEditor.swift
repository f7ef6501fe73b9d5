package import Model
package import PlatformKit

/// Changes one version in a file and nothing else: comments, quotes and layout stay.
package enum ManifestEditor {
  package struct Edit: Sendable {
    package var path: String
    package var bytes: [UInt8]
  }

  /// Sets the version of `target` where it is declared, in a Target or in an Environment's short
  /// form. Errors: not declared, or declared more than once.
  package static func setVersion(
    _ version: String, of target: TargetID, in files: [ManifestFile]
  ) throws(DecodingProblems) -> Edit {
    var found: [(file: ManifestFile, node: ManifestNode)] = []
    for file in files.sorted(by: { $0.path < $1.path }) {
      guard case .success(let nodes) = YAMLReader.documents(file.bytes, file: file.path) else {
        continue
      }
      for node in nodes {
        if let version = versionNode(target, MappingReader(node)) { found.append((file, version)) }
      }
    }
    guard found.count == 1, let place = found.first else {
      let message =
        found.isEmpty
        ? "\(target) is not declared here" : "\(target) is declared \(found.count) times"
      throw DecodingProblems(diagnostics: [Diagnostic(file: place(found), message: message)])
    }
    return Edit(path: place.file.path, bytes: try replace(place.node, by: version, in: place.file))
  }

  private static func place(_ found: [(file: ManifestFile, node: ManifestNode)]) -> String {
    found.map(\.file.path).joined(separator: ", ")
  }

  private static func versionNode(_ target: TargetID, _ document: MappingReader) -> ManifestNode? {
    guard document.text("apiVersion") == ManifestFields.apiVersion,
      let spec = document.mapping("spec")
    else { return nil }
    switch document.text("kind") {
    case "Target"?
    where spec.text("application") == target.application.rawValue
      && spec.text("environment") == target.environment.rawValue:
      return spec["version"]
    case "Environment"?
    where document.mapping("metadata")?.text("name") == target.environment.rawValue:
      return spec.mapping("targets")?[target.application.rawValue]
    default: return nil
    }
  }

  private static func replace(
    _ node: ManifestNode, by version: String, in file: ManifestFile
  ) throws(DecodingProblems) -> [UInt8] {
    guard let old = node.text, let offset = offset(of: node, in: file.bytes) else {
      throw DecodingProblems(diagnostics: [node.error("the version is not a plain value")])
    }
    var bytes = file.bytes
    var start = offset
    let quote = bytes[start]
    let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
    if isQuoted { start += 1 }
    let end = start + old.utf8.count
    guard end <= bytes.count, bytes[start..<end].elementsEqual(old.utf8) else {
      throw DecodingProblems(
        diagnostics: [node.error("the version is written with escapes; write it plainly")])
    }
    // A plain 1.10 stays text for us, but other tools would read a number.
    bytes.replaceSubrange(start..<end, with: Array(version.utf8))
    return bytes
  }

  /// Marks count characters; files are bytes.
  private static func offset(of node: ManifestNode, in bytes: [UInt8]) -> Int? {
    var line = 1
    var index = 0
    while line < node.line {
      guard let next = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      index = next + 1
      line += 1
    }
    let rest = String(decoding: bytes[index...].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let before = rest.unicodeScalars.prefix(node.column - 1)
    let offset = index + String(String.UnicodeScalarView(before)).utf8.count
    return offset < bytes.count ? offset : nil
  }
}
