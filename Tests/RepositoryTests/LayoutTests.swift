import Foundation
import Testing

@Suite struct LayoutTests {
  @Test func `the top level has no name that nobody decided on`() throws {
    let known: Set = [
      ".ci", ".git", ".github", ".gitignore", ".swift-format", "Benchmarks", "CHANGELOG.md",
      "LICENSE", "Makefile", "Package.resolved", "Package.swift", "README.md", "Sources", "Tests",
      "charts", "docs", "examples-repo",
    ]
    // What tools put there for themselves.
    let tools: Set = [".swiftpm", ".vscode", ".idea", ".DS_Store"]
    for name in try Repository.topLevel() where !known.contains(name) && !tools.contains(name) {
      #expect(
        name.hasPrefix(".build"), "\(name) is new at the top level: is there no better place?")
    }
  }

  @Test(arguments: [
    ".ci/run", ".ci/install-packages", ".ci/swift-with-pins", ".ci/test-group", ".ci/sanitize",
    "Tests/Fuzz/fuzz",
    "examples-repo/artifacts/web-1.0.0/web", "examples-repo/artifacts/web-1.1.0/web",
    "examples-repo/artifacts/web-1.2.0/web", "examples-repo/artifacts/mailer-1.0.0/mailer",
  ])
  func `what is run is executable`(path: String) {
    let full = Repository.root.appending(path: path).path()
    #expect(FileManager.default.isExecutableFile(atPath: full))
  }

  @Test func `make has the targets that people and CI call`() throws {
    let makefile = try Repository.read("Makefile")
    for target in [
      "help", "build", "test", "lint", "format", "demo", "load", "bench", "clean",
      "install-packages", "hostile", "fuzz", "sanitize", "judge",
    ] {
      #expect(makefile.contains("\n\(target):"), "make \(target)")
    }
  }

  @Test func `the change log begins with what is not released`() throws {
    let log = try Repository.read("CHANGELOG.md")
    let first = log.split(separator: "\n").first { $0.hasPrefix("## ") }
    #expect(first?.contains("Unreleased") == true)
  }
}
