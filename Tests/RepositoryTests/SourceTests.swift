import Foundation
import Testing

@Suite struct SourceTests {
  @Test func `no Swift file is longer than 400 lines`() throws {
    for file in try Repository.files("Sources", "Tests", suffixes: ".swift") {
      #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count - 1) lines: split it")
    }
  }

  @Test func `no Python file is longer than 300 lines`() throws {
    for file in try Repository.files("Tests", "Benchmarks", "examples-repo", suffixes: ".py") {
      #expect(file.lines.count <= 301, "\(file.path) has \(file.lines.count - 1) lines: split it")
    }
  }

  @Test func `each bug that is planted for the mutants still has its place`() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = [
      Repository.root.appending(path: "Tests/Mutants/mutants.py").path(), "--check",
    ]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }

  @Test func `no source file uses what the style forbids`() throws {
    for file in try Repository.files("Sources", "Tests", suffixes: ".swift") {
      for (number, line) in file.lines.enumerated() {
        if let word = forbidden(in: line), !isAllowed(word, in: file.path) {
          Issue.record("\(file.path):\(number + 1): \(word) is forbidden (docs/STYLE.md)")
        }
      }
    }
  }

  @Test func `what the style forbids is recognised`() {
    #expect(forbidden(in: "  public " + "struct A {}") != nil)
    #expect(forbidden(in: "let a = try" + "! read()") != nil)
    #expect(forbidden(in: "@test" + "able import Model") != nil)
    #expect(forbidden(in: "let a = b as" + "! C") != nil)
    #expect(forbidden(in: "// TO" + "DO: later") != nil)
    #expect(forbidden(in: "  /// The public port.") == nil)
    #expect(forbidden(in: "let retry = \"trying!\"") == nil)
  }

  @Test func `nothing names a path of the machine it was written on`() throws {
    let path = try Regex("(^|[\\s\"'`(=:])/(root|" + "work|home/[a-z]+)(/|\\b)")
    for file in try Repository.files(".") {
      // The expression is slow, and hardly any line has one of the words.
      let suspects = file.lines.enumerated().filter { line in
        ["root", "work", "home"].contains { line.element.contains("/" + $0) }
      }
      for (number, line) in suspects where line.contains(path) {
        Issue.record("\(file.path):\(number + 1): \(line.prefix(120))")
      }
    }
  }

  @Test func `every dependency has an exact version`() throws {
    let manifest = try Repository.read("Package.swift")
    let dependencies = manifest.split(separator: "\n").filter { $0.contains(".package(url:") }
    #expect(!dependencies.isEmpty)
    for line in dependencies {
      #expect(line.contains("exact: \""), "\(line.trimmingCharacters(in: .whitespaces))")
    }
    #expect(manifest.contains(".treatAllWarnings(as: .error)"))
  }
}

/// Only what is public is inlined into other modules (docs/STYLE.md).
private func isAllowed(_ word: String, in path: String) -> Bool {
  word == "`public `" && path.hasSuffix("Sources/Model/Shared.swift")
}

/// The first forbidden thing in a line of Swift, or nil. The words are put together here so that
/// this file does not contain them.
private func forbidden(in line: Substring) -> String? {
  let words = ["try" + "!", "as" + "!", "@test" + "able", "TO" + "DO", "FIX" + "ME"]
  if let word = words.first(where: line.contains) { return word }
  let code = line.drop { $0 == " " }
  let declarations = ["public ", "open class ", "open func ", "open var "]
  return declarations.first { code.hasPrefix($0) }.map { "`\($0)`" }
}
