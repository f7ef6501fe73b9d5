import Foundation
import Testing

/// Every file in `Scenarios` is a story: commands, and what the planner does and says.
///
/// With `VIRIDIAN_REWRITE_SCENARIOS=1` the outputs are written anew; read the difference.
@Suite struct ScenarioTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Scenarios")

  static let names: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  @Test(.enabled(if: isPlannerReal), arguments: names)
  func `a scenario goes as written`(_ name: String) throws {
    let file = Self.folder.appending(path: name)
    let script = Script(parsing: try String(contentsOf: file, encoding: .utf8))
    let result = script.run(plannerUnderTest)
    if ProcessInfo.processInfo.environment["VIRIDIAN_REWRITE_SCENARIOS"] == "1" {
      try result.text.write(to: file, atomically: true, encoding: .utf8)
    } else {
      for (wanted, got) in zip(script.blocks, result.blocks) {
        #expect(wanted.expected == got.expected, "\(name):\(wanted.line) \(wanted.command)")
      }
    }
    let flaws = result.blocks.flatMap(\.expected).filter(Self.isFlaw)
    #expect(flaws.isEmpty, "\(name)")
  }

  /// Never right, whatever a file says.
  private static func isFlaw(_ line: String) -> Bool {
    line.contains("VIOLATION") || line.hasPrefix("error:") || line.hasPrefix("NOT REACHED")
  }
}
