import Foundation
import Testing

@Suite struct DocumentationTests {
  /// Keys that docs/manifest.md must explain. One line to change: the list of module Manifest.
  private func manifestKeys() throws -> Set<String> { try keysOfExamples() }

  @Test func `every manifest key is documented`() throws {
    let reference = try Repository.read("docs/manifest.md")
    for key in try manifestKeys().sorted() {
      #expect(documents(reference, key), "docs/manifest.md does not mention `\(key)`")
    }
  }

  @Test func `a key counts as documented only as a whole word in code`() {
    #expect(documents("the key `retain.stacks` says", "stacks"))
    #expect(documents("| `bake` | duration |", "bake"))
    #expect(!documents("bake it", "bake"))
    #expect(!documents("`baked`", "bake"))
  }

  @Test func `every link inside the repository leads somewhere`() throws {
    let files = try Repository.files(".", suffixes: ".md")
    #expect(files.count > 5)
    for file in files {
      for match in file.text.matches(of: /\]\((?<link>[^)\s]+)\)/) {
        let link = String(match.output.link.prefix { $0 != "#" })
        guard !link.isEmpty, !link.contains("://"), !link.hasPrefix("mailto:") else { continue }
        let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
        #expect(
          Repository.exists(folder.isEmpty ? link : "\(folder)/\(link)"),
          "\(file.path) links to \(link)")
      }
    }
  }

  @Test func `every document of the style guide is there`() {
    for path in [
      "README.md", "CHANGELOG.md", "LICENSE", "docs/ARCHITECTURE.md", "docs/STYLE.md",
      "docs/adding-a-platform.md", "docs/analysis.md", "docs/cli.md", "docs/manifest.md",
      "docs/operating.md", "docs/rollouts.md", "docs/threat-model.md",
    ] {
      #expect(Repository.exists(path), "\(path)")
    }
  }
}

/// The key stands between backquotes, alone or as a part of a dotted path.
private func documents(_ reference: String, _ key: String) -> Bool {
  reference.split(separator: "`", omittingEmptySubsequences: false).enumerated().contains {
    index, part in
    index % 2 == 1 && part.split { !($0.isLetter || $0.isNumber) }.contains { $0 == key }
  }
}

/// All mapping keys of the YAML files in examples-repo, but names that their authors chose.
private func keysOfExamples() throws -> Set<String> {
  var keys: Set<String> = []
  for file in try Repository.files("examples-repo", suffixes: ".yaml") {
    for line in file.lines {
      let code = line.split(separator: "#", omittingEmptySubsequences: false)[0]
      for match in code.matches(of: /(?:^|[{,])\s*(?<key>[a-z][A-Za-z0-9]*):(?:\s|$)/) {
        keys.insert(String(match.output.key))
      }
    }
  }
  return keys.subtracting(["team"])
}
