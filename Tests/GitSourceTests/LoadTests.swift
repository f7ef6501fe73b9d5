import Foundation
import GitSource
import Model
import Support
import Testing

@Suite struct LoadTests {
  @Test func `a commit is listed, read and parsed in a worker of another user`() async throws {
    let repository = try GitRepository()
    let commit = try repository.commit(
      ["web.yaml": "version 1.0\n", "deep/er/db.yml": "version 2\n", "README": "version 3\n"])
    let fixture = try Fixture(repository)
    #expect(try await fixture.source().tip().rawValue == commit)
    let accepted = try #require(try await fixture.load().accepted)
    #expect(accepted.commit.rawValue == commit)
    #expect(accepted.relation == .first)
    #expect(accepted.state.targets.map(\.version) == ["2", "1.0"])
    #expect(accepted.state.targets.first?.labels["context"] == "told")
    #expect(accepted.author == "Ann <ann@example.com>")
    if getuid() == 0 { #expect(accepted.state.targets.first?.labels["user"] != "0") }
  }

  @Test func `listing makes no store`() async throws {
    let repository = try GitRepository()
    try repository.commit(web)
    let fixture = try Fixture(repository)
    _ = try await fixture.source().tip()
    #expect(!FileManager.default.fileExists(atPath: fixture.store))
  }

  @Test func `a poisoned cache is not believed`() async throws {
    let repository = try GitRepository()
    try repository.commit(["aaaa.yaml": "version 1\n"])
    let fixture = try Fixture(repository)
    _ = try await fixture.load()
    let cache = fixture.state.path("shop/objects.cache")
    var bytes = try readFile(cache)
    let range = try #require(bytes.firstRange(of: Array("aaaa".utf8)))
    bytes.replaceSubrange(range, with: Array("evil".utf8))
    try Data(bytes).write(to: URL(fileURLWithPath: cache))
    let accepted = try #require(try await fixture.load().accepted)
    #expect(accepted.state.targets.map(\.id.application) == ["aaaa"])
    #expect(accepted.statistics.treesRead == 1)
  }

  @Test func `only the configured directory counts`() async throws {
    let repository = try GitRepository()
    try repository.commit(["deploy/web.yaml": "version 1\n", "other.yaml": "version 2\n"])
    var fixture = try Fixture(repository)
    fixture.configuration.path = "deploy"
    #expect(try await fixture.load().accepted?.state.targets.map(\.version) == ["1"])
    fixture.configuration.path = "gone"
    #expect(try await fixture.load().held == .missingPath)
  }

  @Test func `annotated tags and exact commits lead to their commit`() async throws {
    let repository = try GitRepository()
    let first = try repository.commit(web)
    try repository.git(["tag", "-a", "-m", "one", "v1", first])
    // A branch of the same name must not be taken for the tag.
    try repository.commit(["web.yaml": "version 9\n"], branch: "v1")
    let second = try repository.commit(["web.yaml": "version 2\n"])
    let tag = try Fixture(repository, reference: .tag("v1"))
    #expect(try await tag.source().tip().rawValue == first)
    #expect(try await tag.load().accepted?.commit.rawValue == first)
    let exact = try Fixture(repository, reference: .commit(CommitID(rawValue: first)))
    #expect(try await exact.load().accepted?.state.targets.map(\.version) == ["1.0"])
    let again = try Fixture(repository, reference: .branch("main"))
    #expect(try await again.load().accepted?.commit.rawValue == second)
    let none = try Fixture(
      repository, reference: .commit(CommitID(rawValue: String(repeating: "a", count: 40))))
    #expect(try await none.load().held == .missingReference)
  }

  @Test func `a long chain of tags is rejected`() async throws {
    let repository = try GitRepository()
    var object = try repository.commit(web)
    for index in 0..<10 {
      try repository.git(["tag", "-a", "-m", "x", "t\(index)", object])
      object = try repository.git(["rev-parse", "refs/tags/t\(index)"])
    }
    let fixture = try Fixture(repository, reference: .tag("t9"))
    #expect(try await fixture.load().rejected?.contains("chain") == true)
  }

  @Test func `missing branch, empty repository, empty tree and no targets hold`() async throws {
    let repository = try GitRepository()
    let fixture = try Fixture(repository)
    #expect(try await fixture.load().held == .missingReference)
    await #expect(throws: SourceError.self) { try await fixture.source().tip() }
    let first = try repository.commit(web)
    #expect(try await fixture.load().accepted != nil)
    try repository.commit([:])
    #expect(try await fixture.load(accepted: first).held == .emptyTree)
    try repository.commit(["note.yaml": "nothing\n"])
    #expect(try await fixture.load(accepted: first).held == .noTargets)
    try repository.delete(branch: "main")
    #expect(try await fixture.load(accepted: first).held == .missingReference)
  }

  @Test func `rewritten, set back and unrelated history holds until it is allowed`() async throws {
    let repository = try GitRepository()
    let first = try repository.commit(web)
    let second = try repository.commit(["web.yaml": "version 2\n"])
    var fixture = try Fixture(repository)
    #expect(try await fixture.load(accepted: first).accepted?.relation == .descendant)
    try await fixture.source().accept(CommitID(rawValue: second))
    try repository.force(to: first)
    #expect(try await fixture.load(accepted: second).held == .forcePush)
    // The store remembers what was accepted, also when the agent does not.
    #expect(try await fixture.load().held == .forcePush)
    try repository.commit(["web.yaml": "version 3\n"])
    #expect(try await fixture.load(accepted: second).held == .forcePush)
    try repository.commit(["web.yaml": "version 4\n"], parents: [])
    #expect(try await fixture.load(accepted: second).held == .unrelatedHistory)
    fixture.configuration.allowRewind = true
    let allowed = try #require(try await fixture.load(accepted: second).accepted)
    #expect(allowed.relation == .unrelated && allowed.warnings.count == 1)
  }

  @Test func `an accepted commit that the server has forgotten holds, and recovers`() async throws {
    let repository = try GitRepository()
    try repository.commit(web)
    let gone = String(repeating: "d", count: 40)
    var fixture = try Fixture(repository)
    #expect(try await fixture.load(accepted: gone).held == .previousMissing)
    fixture.configuration.allowRewind = true
    #expect(try await fixture.load(accepted: gone).accepted?.relation == .previousMissing)
  }
}
