import Foundation
import GitSource
import Model
import Support
import Testing

@Suite struct ExportTests {
  @Test func `a directory becomes the same tar every time`() async throws {
    let repository = try GitRepository()
    let long = String(repeating: "long", count: 40) + ".txt"
    let files = [
      "web.yaml": "version 1\n", "artifacts/web/run.sh": "#!/bin/sh\n",
      "artifacts/web/lib/\(long)": "text", "artifacts/web/not.yaml": "version 9\n",
    ]
    let first = try repository.commit(files)
    // A second commit with the same artifact, by another path of history.
    let second = try repository.commit(files.merging(["other": "x"]) { $1 })
    let fixture = try Fixture(repository)
    #expect(try await fixture.load().accepted?.state.targets.count == 1)
    let source = try fixture.source()
    let (one, two) = (fixture.state.path("one.tar"), fixture.state.path("two.tar"))
    let a = try await source.export(
      path: "artifacts/web", commit: CommitID(rawValue: first), into: one)
    let b = try await source.export(
      path: "artifacts/web", commit: CommitID(rawValue: second), into: two)
    #expect(a.sha256 == b.sha256 && a.bytes == b.bytes)
    #expect(try Digest.of(readFile(one)) == a.sha256)
    let listing = try Tool.run(["tar", "--numeric-owner", "-tvf", one])
    #expect(listing.contains("lib/\(long)"))
    #expect(listing.contains("-rw-r--r-- 0/0"))
    #expect(listing.contains("1970-01-01"))
    #expect(try Tool.run(["tar", "-xOf", one, "lib/\(long)"]) == "text")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: fixture.state.path("shop"))
        .allSatisfy { !$0.hasPrefix("scratch") })
  }

  @Test func `an archive file is taken as it is, any other file is packed`() async throws {
    let repository = try GitRepository()
    let commit = CommitID(
      rawValue: try repository.commit([
        "web.yaml": "version 1\n", "artifacts/web.tar.gz": "bytes", "artifacts/tool": "code",
      ]))
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    let (one, two) = (fixture.state.path("one"), fixture.state.path("two"))
    _ = try await source.export(path: "artifacts/web.tar.gz", commit: commit, into: one)
    #expect(try readFile(one) == Array("bytes".utf8))
    _ = try await source.export(path: "artifacts/tool", commit: commit, into: two)
    #expect(try Tool.run(["tar", "-xOf", two, "tool"]) == "code")
  }

  @Test(arguments: [
    ("../other", false), ("/etc/passwd", false), ("../../x", false), ("lib/../../x", false),
    (".git/x", false), ("", false), ("b", true), ("lib/b", true),
  ])
  func `a link in an artifact must stay inside`(target: String, isGood: Bool) async throws {
    let repository = try GitRepository()
    let link = try repository.blob(Array(target.utf8))
    let artifact = try repository.rawTree([("120000", Array("link".utf8), link)])
    let roots = try repository.rawTree([("40000", Array("web".utf8), artifact)])
    let file = try repository.blob(Array("version 1\n".utf8))
    let tree = try repository.rawTree([
      ("40000", Array("artifacts".utf8), roots), ("100644", Array("web.yaml".utf8), file),
    ])
    let commit = CommitID(rawValue: try repository.commit(tree: tree))
    let fixture = try Fixture(repository)
    #expect(try await fixture.load().accepted != nil)
    let source = try fixture.source()
    let out = fixture.state.path("out")
    let result = await Result {
      try await source.export(path: "artifacts/web", commit: commit, into: out)
    }
    #expect(((try? result.get()) != nil) == isGood)
    #expect(FileManager.default.fileExists(atPath: out) == isGood)
  }

  @Test func `a missing, linked or too large artifact is an error and leaves no file`()
    async throws
  {
    let repository = try GitRepository()
    let commit = CommitID(
      rawValue: try repository.commit([
        "web.yaml": "version 1\n", "artifacts/big": String(repeating: "x", count: 100_000),
      ]))
    var fixture = try Fixture(repository)
    fixture.configuration.limits.artifactBytes = 50_000
    let source = try fixture.source()
    let out = fixture.state.path("out")
    for path in ["artifacts/none", "artifacts/big", "artifacts/../web.yaml", "/etc/passwd"] {
      await #expect(throws: SourceError.self, "\(path)") {
        try await source.export(path: path, commit: commit, into: out)
      }
    }
    #expect(!FileManager.default.fileExists(atPath: out))
  }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
