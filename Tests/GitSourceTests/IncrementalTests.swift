import GitSource
import Model
import Support
import Testing

/// A commit costs what it changes.
@Suite struct IncrementalTests {
  private func files(_ count: Int) -> [String: String] {
    var files: [String: String] = [:]
    for index in 0..<count { files["d\(index % 8)/t\(index).yaml"] = "version \(index)\n" }
    return files
  }

  @Test func `one bump among 300 files reads and parses one`() async throws {
    let repository = try GitRepository()
    var files = files(300)
    try repository.commit(files)
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    let first = try #require(try await source.load(accepted: nil).accepted)
    #expect(first.statistics.blobsRead == 300 && first.statistics.filesParsed == 300)
    #expect(first.statistics.treesRead == 9)
    files["d3/t3.yaml"] = "version 1000\n"
    let bump = try repository.commit(files)
    let second = try #require(try await source.load(accepted: first.commit).accepted)
    #expect(second.statistics.blobsRead == 1 && second.statistics.filesParsed == 1)
    #expect(second.statistics.treesRead == 2 && second.statistics.files == 300)
    #expect(second.state.targets.count == 300)
    // Each target names the commit that it was read from.
    #expect(second.state.commit.rawValue == bump)
    #expect(second.state.targets.count { $0.commit.rawValue == bump } == 1)
    #expect(second.state.targets.count { $0.commit == first.commit } == 299)
    #expect(second.state.targets.first { $0.id.application == "t3" }?.version == "1000")
    let third = try #require(try await source.load(accepted: second.commit).accepted)
    #expect(third.relation == .same && third.state == second.state)
    #expect(!third.statistics.fetched && third.statistics.blobsRead == 0)
    withExtendedLifetime(fixture) {}
  }

  @Test func `a rename reads nothing, and is one`() async throws {
    let repository = try GitRepository()
    var files = files(20)
    try repository.commit(files)
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    _ = try await source.load(accepted: nil)
    files["d9/other.yaml"] = files.removeValue(forKey: "d3/t3.yaml")
    try repository.commit(files)
    let renamed = try #require(try await source.load(accepted: nil).accepted)
    #expect(renamed.statistics.blobsRead == 0 && renamed.statistics.filesParsed == 0)
    let names = renamed.state.targets.map(\.id.application)
    #expect(names.contains("other") && !names.contains("t3") && names.count == 20)
    withExtendedLifetime(fixture) {}
  }

  @Test func `a commit that is rejected changes nothing of what is held`() async throws {
    let repository = try GitRepository()
    var files = files(10)
    let first = try repository.commit(files)
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    _ = try await source.load(accepted: nil)
    try repository.commit(
      tree: try repository.rawTree([
        ("120000", Array("l.yaml".utf8), try repository.blob(Array("x".utf8)))
      ]))
    #expect(try await source.load(accepted: CommitID(rawValue: first)).rejected != nil)
    try repository.force(to: first)
    files["d1/t1.yaml"] = "version 1000\n"
    try repository.commit(files)
    let next = try #require(try await source.load(accepted: nil).accepted)
    #expect(next.statistics.filesParsed == 1)
    #expect(next.state.targets.count == 10)
    withExtendedLifetime(fixture) {}
  }

  @Test func `a worker that died is not told again what it was told`() async throws {
    let repository = try GitRepository()
    var files = files(10)
    try repository.commit(files)
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    _ = try await source.load(accepted: nil)
    files["d1/t1.yaml"] = "crash\n"
    try repository.commit(files)
    #expect(try await source.load(accepted: nil).rejected != nil)
    files["d1/t1.yaml"] = "version 1000\n"
    try repository.commit(files)
    let next = try #require(try await source.load(accepted: nil).accepted)
    #expect(next.statistics.filesParsed == 10)
    #expect(next.state.targets.count == 10)
    withExtendedLifetime(fixture) {}
  }

  @Test func `another configuration, context or start begins with nothing`() async throws {
    let repository = try GitRepository()
    try repository.commit(files(10))
    var fixture = try Fixture(repository)
    #expect(try await fixture.load().accepted?.statistics.filesParsed == 10)
    #expect(try await fixture.load().accepted?.statistics.filesParsed == 10)
    fixture.configuration.path = "d1"
    let narrow = try #require(try await fixture.load().accepted)
    #expect(narrow.statistics.filesParsed == 2 && narrow.state.targets.count == 2)
  }

  @Test func `files that are held count towards the limits, too`() async throws {
    let repository = try GitRepository()
    var files = ["a.yaml": "version 1\n", "b.yaml": "version 2\n"]
    try repository.commit(files)
    var fixture = try Fixture(repository)
    fixture.configuration.limits.totalBytes = 25
    let source = try fixture.source()
    #expect(try await source.load(accepted: nil).accepted != nil)
    files["c.yaml"] = "version 3\n"
    try repository.commit(files)
    #expect(try await source.load(accepted: nil).rejected?.contains("25 bytes") == true)
    withExtendedLifetime(fixture) {}
  }

  @Test(arguments: 0..<2)
  func `over any history the same is read as from nothing`(seed: UInt64) async throws {
    var random = SplitMix(seed: seed)
    let repository = try GitRepository()
    let incremental = try Fixture(repository)
    let source = try incremental.source()
    let whole = try Fixture(repository)
    var files = files(6)
    var accepted: CommitID?
    var declared: [TargetID: DesiredTarget] = [:]
    for _ in 0..<20 {
      let index = Int.random(in: 0..<8, using: &random)
      let name = "d\(index)/t\(index).yaml"
      let text = ["version 1\n", "version 2\nartifact artifacts/a\n", "wrong\n", "other\n", nil]
      files[name] = text[Int.random(in: 0..<text.count, using: &random)]
      files["artifacts/a"] = Bool.random(using: &random) ? "one" : "two"
      try repository.commit(files)
      let part = try await source.load(accepted: accepted)
      let all = try await whole.load(accepted: accepted?.rawValue)
      #expect(part.withoutStatistics == all.withoutStatistics.keeping(declared))
      declared = part.declared ?? declared
      accepted = part.accepted?.commit ?? accepted
    }
    withExtendedLifetime((incremental, whole)) {}
  }
}
