import Foundation
import GitSource
import Model
import Support
import Testing

@Suite struct HostileTests {
  private func verdict(
    _ entries: (GitRepository) throws -> [(mode: String, name: [UInt8], id: String)]
  ) async throws -> SourceVerdict {
    let repository = try GitRepository()
    let good = try repository.blob(Array("version 1\n".utf8))
    let tree = try repository.rawTree(
      try entries(repository) + [("100644", Array("web.yaml".utf8), good)])
    try repository.commit(tree: tree)
    return try await Fixture(repository).load()
  }

  @Test(arguments: [
    "..", ".", ".git", ".GIT", "git~1", "GIT~1", ".git.", ".git ", ".git::$INDEX", ".g\u{200C}it",
    "a\nb", "a\\b", "a/b", "a\u{7F}", String(repeating: "x", count: 256),
  ])
  func `a name that could be taken for something else rejects the commit`(name: String)
    async throws
  {
    let verdict = try await verdict { repository in
      [("100644", Array(name.utf8), try repository.blob([]))]
    }
    #expect(verdict.rejected != nil, "\(verdict)")
  }

  @Test func `names that are not UTF-8, doubled or of an unknown mode reject the commit`()
    async throws
  {
    let names: [(String, [UInt8])] = [
      ("100644", [0xFF, 0xFE]), ("100644", Array("web.yaml".utf8)), ("100600", Array("m".utf8)),
    ]
    for (mode, name) in names {
      let verdict = try await verdict { [(mode, name, try $0.blob([]))] }
      #expect(verdict.rejected != nil, "\(mode) \(name)")
    }
  }

  @Test func `symbolic links and submodules reject the commit`() async throws {
    let link = try await verdict { repository in
      [("120000", Array("app.yaml".utf8), try repository.blob(Array("/proc/self/environ".utf8)))]
    }
    #expect(link.rejected?.contains("symbolic link") == true)
    let module = try await verdict { repository in
      [
        ("160000", Array("sub".utf8), String(repeating: "1", count: 40)),
        ("100644", Array(".gitmodules".utf8), try repository.blob(Array("url=ext::sh".utf8))),
      ]
    }
    #expect(module.rejected?.contains("submodule") == true)
  }

  @Test func `attributes and filters change nothing`() async throws {
    let verdict = try await verdict { repository in
      let text = "*.yaml filter=evil ident text eol=crlf\n"
      return [("100644", Array(".gitattributes".utf8), try repository.blob(Array(text.utf8)))]
    }
    #expect(verdict.accepted?.state.targets.map(\.version) == ["1"])
  }

  @Test func `a file, a depth, a path or a count above the limit rejects the commit`()
    async throws
  {
    let repository = try GitRepository()
    let deep = (0..<40).map { "d\($0)" }.joined(separator: "/") + "/web.yaml"
    try repository.commit(["big.yaml": String(repeating: "a", count: (1 << 20) + 1)])
    try repository.commit([deep: "version 1\n"], branch: "deep")
    let long = (0..<20).map { _ in String(repeating: "l", count: 20) }.joined(separator: "/")
    try repository.commit([long: ""], branch: "long")
    try repository.commit(["a.yaml": "version 1\n", "b": "", "c": ""], branch: "many")
    for branch in ["main", "deep", "long", "many"] {
      var fixture = try Fixture(repository, reference: .branch(branch))
      if branch == "many" { fixture.configuration.limits.treeEntries = 2 }
      #expect(try await fixture.load().rejected != nil, "\(branch)")
    }
  }

  @Test func `a fetch larger than allowed ends and changes nothing`() async throws {
    let repository = try GitRepository()
    let noise = (0..<200_000).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 36) }
    try repository.commit(["web.yaml": "version 1\n", "noise": noise.joined()])
    var fixture = try Fixture(repository)
    fixture.configuration.limits.packBytes = 1 << 20
    await #expect { try await fixture.load() } throws: { error in
      if case SourceError.refused = error { true } else { false }
    }
  }

  @Test func `a commit that kills its worker is rejected, and the next one is read`()
    async throws
  {
    let repository = try GitRepository()
    let bad = try repository.commit(["web.yaml": "crash\n"])
    let fixture = try Fixture(repository)
    let verdict = try await fixture.load()
    #expect(verdict.rejected?.contains("signal 11") == true, "\(verdict)")
    #expect(verdict.rejected?.contains(bad.prefix(12)) == true)
    try repository.commit(web)
    #expect(try await fixture.load().accepted != nil)
  }

  @Test func `a commit that never stops its worker is rejected at the deadline`() async throws {
    let repository = try GitRepository()
    try repository.commit(["web.yaml": "hang\n"])
    var fixture = try Fixture(repository)
    fixture.configuration.deadlines.list = .milliseconds(300)
    fixture.configuration.deadlines.fetch = .milliseconds(300)
    fixture.configuration.deadlines.read = .milliseconds(900)
    let verdict = try await fixture.load()
    #expect(verdict.rejected?.contains("within") == true, "\(verdict)")
  }

  @Test func `cancelling a load kills the worker`() async throws {
    let repository = try GitRepository()
    try repository.commit(["web.yaml": "hang\n"])
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    let task = Task { try await source.load(accepted: nil) }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    await #expect(throws: SourceError.cancelled) { try await task.value }
    withExtendedLifetime(fixture) {}
  }

  @Test(arguments: [
    "ext::sh -c id", "git://host/x", "http://host/x", "ftp://host/x", "ssh://-oProxyCommand=x/y",
    "ssh://host/'; touch /tmp/p; '", "ssh://host/a'b", "ssh://host", "-x:y", "host:-x", "relative",
    "https://user:password@host/x", "https://host/x?y", "https://host/x\n", "file://etc", "",
    "ssh://-x@host/y", "ssh://host:99999/y", "ssh://host/a$(id)",
  ])
  func `a URL that is not plainly https, ssh or a local path is refused at once`(url: String)
    throws
  {
    var fixture = try Fixture(url)
    fixture.configuration.knownHostsFile = "/dev/null"
    #expect(throws: SourceError.self) { try fixture.source() }
  }

  @Test(arguments: [
    "../../x", "-upload-pack=x", "a@{1}", "a..b", "a b", "x.lock", "/a", "a//b", "",
  ])
  func `a branch name that git could take for something else is refused at once`(name: String)
    throws
  {
    let fixture = try Fixture("/tmp/x", reference: .branch(name))
    #expect(throws: SourceError.self) { try fixture.source() }
  }
}
