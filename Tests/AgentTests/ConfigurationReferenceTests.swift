import Agent
import Foundation
import PlatformKit
import Testing

/// docs/operating.md has a table of the configuration, made from the fields that are read.
///
/// After a change of them: `VIRIDIAN_WRITE_REFERENCE=1 swift test --filter ConfigurationReference`.
@Suite struct ConfigurationReferenceTests {
  @Test func `the reference has exactly the keys, flags and variables there are`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/operating.md")
    let start = "<!-- fields of the configuration: written by AgentTests, do not edit -->\n"
    let text = try String(contentsOf: page, encoding: .utf8)
    let begin = try #require(text.range(of: start)?.upperBound)
    let end = try #require(text.range(of: "<!-- end -->", range: begin..<text.endIndex)?.lowerBound)
    guard ProcessInfo.processInfo.environment["VIRIDIAN_WRITE_REFERENCE"] != nil else {
      return #expect(text[begin..<end] == table)
    }
    try (text[..<begin] + table + text[end...]).write(to: page, atomically: true, encoding: .utf8)
  }

  private var table: String {
    let settings = Dictionary(ConfigurationSetting.all.map { ($0.key, $0) }) { first, _ in first }
    let rows = Field.reference(ConfigurationFields.all).map { path, field in
      let given = settings[path].map { "`\($0.flag)`, `\($0.variable)`" } ?? ""
      let words = field.type.words.replacing(" | ", with: ", ")
      let standard = field.isRequired ? "required" : field.standard.map { "`\($0)`" } ?? ""
      return "| `\(path)` | \(words) | \(standard) | \(given) | \(field.meaning) |\n"
    }
    return "| key | value | default | flag and variable | meaning |\n|---|---|---|---|---|\n"
      + rows.joined()
  }
}
