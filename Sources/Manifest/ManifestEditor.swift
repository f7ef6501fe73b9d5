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
    guard Version.isValid(version) else {
      throw problem("\(Version.rule), not \"\(version.prefix(80))\"", in: "")
    }
    var found: [(file: ManifestFile, node: ManifestNode)] = []
    var unreadable: [Diagnostic] = []
    for file in files.sorted(by: { $0.path < $1.path }) where YAMLText.mentionsUs(file.bytes) {
      switch YAMLReader.documents(file.bytes, file: file.path) {
      case .failure(let problem): unreadable.append(problem.diagnostic)
      case .success(let nodes):
        found += nodes.compactMap { versionNode(target, MappingReader($0)) }.map { (file, $0) }
      }
    }
    guard found.count == 1, let place = found.first else {
      if found.isEmpty, !unreadable.isEmpty { throw DecodingProblems(diagnostics: unreadable) }
      let message =
        found.isEmpty
        ? "\(target) is not declared here" : "\(target) is declared \(found.count) times"
      throw problem(message, in: found.map(\.file.path).joined(separator: ", "))
    }
    let bytes = try replace(place.node, by: version, in: place.file)
    guard differsOnly(in: target, place.file, bytes, version) else {
      throw problem(
        "\(target): the version is written so that it cannot be edited", in: place.file.path)
    }
    return Edit(path: place.file.path, bytes: bytes)
  }

  private static func problem(_ message: String, in file: String) -> DecodingProblems {
    DecodingProblems(diagnostics: [Diagnostic(file: file, message: message)])
  }

  /// The edited file reads as before but for this version: checked, because lines are counted here
  /// and by the YAML parser.
  private static func differsOnly(
    in target: TargetID, _ file: ManifestFile, _ bytes: [UInt8], _ version: String
  ) -> Bool {
    guard case .success(let old) = YAMLReader.documents(file.bytes, file: ""),
      case .success(let new) = YAMLReader.documents(bytes, file: ""), old.count == new.count
    else { return false }
    let found = new.compactMap { versionNode(target, MappingReader($0)) }
    return found.count == 1 && found[0].text == version
      && found[0].problems(.text, of: "version").isEmpty
      && texts(old, without: target) == texts(new, without: target)
  }

  /// All scalars in their order, without the one that was edited.
  private static func texts(_ documents: [ManifestNode], without target: TargetID) -> [String] {
    documents.flatMap { document in
      let edited = versionNode(target, MappingReader(document))
      return scalars(document).filter { $0 != edited }.map { $0.text ?? "" }
    }
  }

  private static func scalars(_ node: ManifestNode) -> [ManifestNode] {
    switch node.content {
    case .scalar: [node]
    case .sequence(let nodes): nodes.flatMap(scalars)
    case .mapping(let members): members.flatMap { scalars($0.key) + scalars($0.value) }
    }
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
