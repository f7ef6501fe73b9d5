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

  @Test func `the commit says what its artifacts are, and whether they changed`() async throws {
    let repository = try GitRepository()
    var files = [
      "web.yaml": "version 1\nartifact artifacts/web\nartifact artifacts/none\n",
      "artifacts/web/run": "one", "note": "a",
    ]
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    func objects() async throws -> [String: ArtifactObject] {
      try repository.commit(files)
      let accepted = try #require(try await source.load(accepted: nil).accepted)
      return try #require(accepted.state.targets.first?.objects)
    }
    let first = try await objects()
    guard case .present = first["artifacts/web"], case .absent(let why) = first["artifacts/none"]
    else { return #expect(Bool(false), "\(first)") }
    #expect(why.contains("artifacts/none"))
    files["note"] = "b"
    #expect(try await objects() == first)
    files["artifacts/web/run"] = "two"
    #expect(try await objects()["artifacts/web"] != first["artifacts/web"])
  }

  @Test func `a link or a hostile name among the artifacts harms no other target`() async throws {
    let repository = try GitRepository()
    let blob = try repository.blob(Array("x".utf8))
    let hostile = try repository.rawTree([("100644", Array(".git".utf8), blob)])
    let artifacts = try repository.rawTree([
      ("40000", Array("bad".utf8), hostile), ("120000", Array("link".utf8), blob),
      ("100644", Array("good".utf8), blob),
    ])
    let text =
      "version 1\nartifact artifacts/bad/x\nartifact artifacts/link\nartifact artifacts/good\n"
    try repository.commit(
      tree: try repository.rawTree([
        ("40000", Array("artifacts".utf8), artifacts),
        ("100644", Array("web.yaml".utf8), try repository.blob(Array(text.utf8))),
      ]))
    let accepted = try #require(try await Fixture(repository).load().accepted)
    let objects = try #require(accepted.state.targets.first?.objects)
    #expect(objects["artifacts/good"] == .present("file \(blob)"))
    for name in ["artifacts/bad/x", "artifacts/link"] {
      guard case .absent = objects[name] else { return #expect(Bool(false), "\(name)") }
    }
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
