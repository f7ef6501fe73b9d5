import Foundation
import Testing

/// Compares docs/cli.md with what the built program says of itself.
@Suite(.enabled(if: Repository.exists("Sources/viridian"))) struct CommandLineTests {
  @Test func `every verb and flag is documented, and nothing else is`() throws {
    let program = try Verb.ofProgram()
    let documented = Section.parse(try Repository.read("docs/cli.md"))
    let common = documented["common options"]?.flags ?? []
    #expect(!common.isEmpty, "docs/cli.md has a section `## Common options`")
    var verbs: Set<String> = ["common options"]
    for verb in program where !verb.isHidden {
      verbs.insert(verb.name)
      guard let section = documented[verb.name] else {
        Issue.record("docs/cli.md has no section `## viridian \(verb.name)`")
        continue
      }
      for flag in verb.flags.subtracting(section.flags).subtracting(common).sorted() {
        Issue.record("docs/cli.md, viridian \(verb.name): \(flag) is not documented")
      }
      for flag in section.flags.subtracting(verb.flags).sorted() {
        Issue.record("docs/cli.md, viridian \(verb.name): there is no \(flag)")
      }
    }
    for name in Set(documented.keys).subtracting(verbs).sorted() {
      Issue.record("docs/cli.md describes \(name), which the program does not have")
    }
    let everywhere = program.reduce(into: Set<String>()) { $0.formUnion($1.flags) }
    for flag in common.subtracting(everywhere).sorted() {
      Issue.record("docs/cli.md, common options: no verb has \(flag)")
    }
  }

  @Test func `every field of the configuration is a flag of run`() throws {
    let run = try #require(try Verb.ofProgram().first { $0.name == "run" }).flags
    // A test of the agent's holds this table against the fields that are read.
    let table = try Repository.read("docs/operating.md").split(separator: "\n")
      .filter { $0.hasPrefix("| `") }
      .compactMap { $0.firstMatch(of: /`(--[a-z0-9-]+)`, `VIRIDIAN_[A-Z0-9_]+`/)?.1 }
    #expect(table.count > 20)
    #expect(Set(table.map(String.init)) == run.subtracting(["--config", "--log-level"]))
  }
}

/// The documented flags of one section of docs/cli.md, by verb.
struct Section {
  var flags: Set<String> = []

  /// `## viridian get` begins the section of `get`; every `--flag` in backquotes belongs to it.
  static func parse(_ text: String) -> [String: Section] {
    var sections: [String: Section] = [:]
    var name: String?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("## ") {
        let title = line.dropFirst(3).trimmingCharacters(in: .whitespaces)
        if title.hasPrefix("viridian ") {
          name = title.dropFirst(9).split { " []`".contains($0) }.first.map(String.init)
        } else {
          name = title == "Common options" ? "common options" : nil
        }
        if let name { sections[name] = Section() }
      } else if let name {
        // Only the options' own list: prose may name a flag of another verb.
        guard line.hasPrefix("- `-") else { continue }
        let heading = line.split(separator: ":", maxSplits: 1)[0]
        sections[name]?.flags.formUnion(
          heading.matches(of: /--[a-z][a-z0-9-]*/).map { String($0.0) })
      }
    }
    return sections
  }
}

@Suite struct SectionTests {
  @Test func `a section holds the flags of its own list`() {
    let text = """
      ## Common options
      - `--config FILE`: the configuration.
      ## viridian get [TARGET…]
      Like --elsewhere.
      - `-o`, `--output FORMAT`: see also `--watch`.
      - `--watch`: again and again.
      ## Exit codes
      - `--none`
      """
    let sections = Section.parse(text)
    #expect(sections.keys.sorted() == ["common options", "get"])
    #expect(sections["get"]?.flags == ["--output", "--watch"])
    #expect(sections["common options"]?.flags == ["--config"])
  }
}

/// A verb as `viridian --experimental-dump-help` describes it.
struct Verb: Decodable {
  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }

    var kind: String?
    var names: [Name]?
    var shouldDisplay: Bool?

    /// `--help`, and the program's own `--version`, which the parser gives to every verb.
    var isBuiltIn: Bool {
      kind == "flag" && (names ?? []).contains { ["help", "version"].contains($0.name) }
    }
  }

  var commandName: String
  var shouldDisplay: Bool?
  var arguments: [Argument]?
  var subcommands: [Verb]?

  var name: String { commandName }
  var isHidden: Bool { shouldDisplay == false || name == "help" }

  /// Long names of all that is shown and not built in, those of nested verbs included.
  var flags: Set<String> {
    let shown = (arguments ?? []).filter { $0.shouldDisplay != false && !$0.isBuiltIn }
    let names = shown.flatMap { $0.names ?? [] }.filter { $0.kind == "long" }
    let nested = (subcommands ?? []).reduce(into: Set<String>()) { $0.formUnion($1.flags) }
    return nested.union(names.map { "--\($0.name)" })
  }

  /// The verbs of the program that was built beside this test.
  static func ofProgram() throws -> [Verb] {
    struct Dump: Decodable { var command: Verb }
    let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Process()
    let folder = URL(filePath: test).deletingLastPathComponent()
    process.executableURL = folder.appending(path: "viridian")
    try #require(
      FileManager.default.isExecutableFile(atPath: folder.appending(path: "viridian").path()),
      "viridian is not built beside this test: use `swift build --build-tests`")
    process.arguments = ["--experimental-dump-help"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return try JSONDecoder().decode(Dump.self, from: data).command.subcommands ?? []
  }
}
