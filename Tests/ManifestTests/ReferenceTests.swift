import Foundation
import HAProxyRouter
import LocalPlatform
import Manifest
import Model
import PlatformKit
import Testing

/// docs/manifest.md has a table of keys for each kind, made from the fields that the parser reads.
///
/// After a change of the fields: `VIRIDIAN_WRITE_REFERENCE=1 swift test --filter ReferenceTests`.
@Suite struct ReferenceTests {
  @Test(arguments: ["Application", "Environment", "Target"])
  func `the reference has exactly the keys that are read`(_ kind: String) throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/manifest.md")
    let start = "<!-- keys of \(kind): written by ManifestTests, do not edit -->\n"
    let table = self.table(kind)
    let text = try String(contentsOf: page, encoding: .utf8)
    let begin = try #require(text.range(of: start)?.upperBound)
    let end = try #require(text.range(of: "<!-- end -->", range: begin..<text.endIndex)?.lowerBound)
    if ProcessInfo.processInfo.environment["VIRIDIAN_WRITE_REFERENCE"] != nil {
      try Self.lock.withLock {
        let newest = try String(contentsOf: page, encoding: .utf8)
        try newest.replacing(start + text[begin..<end], with: start + table)
          .write(to: page, atomically: true, encoding: .utf8)
      }
    } else {
      #expect(text[begin..<end] == table)
    }
  }

  /// The kinds are tested side by side, and all write one file.
  private static let lock = NSLock()

  private func table(_ kind: String) -> String {
    let header = "| key | value | default | in the digest | meaning |\n|---|---|---|---|---|\n"
    return header
      + keys(kind).map { path, field in
        let inside = ["spec.workload", "spec.instances", "spec.health"].contains {
          path == $0 || path.hasPrefix($0 + ".")
        }
        let standard = field.isRequired ? "required" : field.standard.map { "`\($0)`" } ?? ""
        let words = field.type.words.replacing(" | ", with: ", ")
        return "| `\(path)` | \(words) | \(standard) | \(inside ? "yes" : "no") "
          + "| \(field.meaning.replacing("|", with: "\\|")) |\n"
      }.joined()
  }

  /// All keys of a kind, those of the payloads included, in the order of the fields.
  private func keys(_ kind: String) -> [(path: String, field: Field)] {
    let payloads = [
      "Application.spec.workload.process": ProcessWorkloadDecoder.fields,
      "Target.spec.route": HAProxyRouteDecoder.fields,
    ]
    return Manifest.reference(Example.platforms).filter { $0.path.hasPrefix(kind + ".") }
      .flatMap { path, field in
        [(path, field)] + Field.reference(payloads[path] ?? [], prefix: path)
      }
      .map { (String($0.0.dropFirst(kind.count + 1)), $0.1) }
  }

  @Test func `the example of the reference is right`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/manifest.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let start = try #require(text.range(of: "```yaml\n")?.upperBound)
    let end = try #require(text.range(of: "```", range: start..<text.endIndex)?.lowerBound)
    let file = ManifestFile(path: "all.yaml", bytes: Array(text[start..<end].utf8))
    let state = Manifest.parse([file], Example.context())
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets.map(\.id) == [web])
  }

  @Test func `the examples repository is right`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "examples-repo").resolvingSymlinksInPath()
    let found = try #require(FileManager.default.enumerator(atPath: root.path()))
    var files: [ManifestFile] = []
    for case let path as String in found where path.hasSuffix(".yaml") {
      let bytes = Array(try Data(contentsOf: root.appending(path: path)))
      files.append(ManifestFile(path: path, bytes: bytes))
    }
    let state = Manifest.parse(files, Example.context())
    #expect(state.isComplete, "\(state.diagnostics)")
    #expect(state.targets.count == 4)
    #expect(Lint.problems([state], Example.platforms).isEmpty)
  }
}
