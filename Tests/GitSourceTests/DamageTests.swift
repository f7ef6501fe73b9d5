import Foundation
import GitSource
import Model
import Support
import Testing

@Suite struct DamageTests {
  private func loaded() async throws -> (GitRepository, Fixture) {
    let repository = try GitRepository()
    try repository.commit(web)
    let fixture = try Fixture(repository)
    _ = try #require(try await fixture.load().accepted)
    // The cache alone must not be what answers.
    try FileManager.default.removeItem(atPath: fixture.state.path("shop/objects.cache"))
    return (repository, fixture)
  }

  private func packs(_ fixture: Fixture, _ suffix: String) throws -> [String] {
    let directory = "\(fixture.store)/objects/pack"
    return try FileManager.default.contentsOfDirectory(atPath: directory)
      .filter { $0.hasSuffix(suffix) }.map { "\(directory)/\($0)" }
  }

  private func damage(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = try readFile(path)
    change(&bytes)
    chmod(path, 0o644)
    try writeFile(path, bytes)
  }

  @Test(arguments: [".pack", ".idx"])
  func `a truncated pack or index is cloned anew in the same call`(suffix: String) async throws {
    let (_, fixture) = try await loaded()
    for path in try packs(fixture, suffix) { try damage(path) { $0.removeLast($0.count / 2) } }
    #expect(try await fixture.load().accepted?.state.targets.map(\.version) == ["1.0"])
  }

  @Test func `flipped bits in a pack are cloned anew in the same call`() async throws {
    let (_, fixture) = try await loaded()
    for path in try packs(fixture, ".pack") {
      try damage(path) { bytes in
        for index in stride(from: 13, to: bytes.count - 20, by: 7) { bytes[index] ^= 0x55 }
      }
    }
    #expect(try await fixture.load().accepted?.state.targets.map(\.version) == ["1.0"])
  }

  @Test func `missing objects are cloned anew in the same call`() async throws {
    let (_, fixture) = try await loaded()
    try FileManager.default.removeItem(atPath: "\(fixture.store)/objects")
    #expect(try await fixture.load().accepted != nil)
  }

  @Test func `damaged refs and files of the store are cloned anew in the same call`()
    async throws
  {
    for name in ["refs/viridian/tip", "HEAD", "config"] {
      let (_, fixture) = try await loaded()
      try writeFile("\(fixture.store)/\(name)", [0, 255, 10, 91])
      let verdict = try await fixture.load()
      #expect(verdict.accepted != nil, "\(name): \(verdict)")
    }
  }

  @Test func `locks and half packs that a crash left behind are in nobody's way`() async throws {
    let (repository, fixture) = try await loaded()
    try writeFile("\(fixture.store)/refs/viridian/tip.lock", [])
    try writeFile("\(fixture.store)/HEAD.lock", [])
    try writeFile("\(fixture.store)/config.lock", [])
    try writeFile("\(fixture.store)/objects/pack/pack_git2_x", [1, 2, 3])
    try repository.commit(["web.yaml": "version 2\n"])
    #expect(try await fixture.load().accepted?.state.targets.map(\.version) == ["2"])
    #expect(
      !FileManager.default.fileExists(atPath: "\(fixture.store)/objects/pack/pack_git2_x"))
  }

  @Test func `a store cloned anew still knows what was accepted`() async throws {
    let (repository, fixture) = try await loaded()
    let tip = try #require(try repository.tip())
    try await fixture.source().accept(CommitID(rawValue: tip))
    try repository.commit(["web.yaml": "version 6\n"], parents: [])
    try FileManager.default.removeItem(atPath: fixture.store)
    #expect(try await fixture.load().held == .previousMissing)
  }

  @Test func `a server whose objects are missing is an error, not a hang`() async throws {
    let (repository, fixture) = try await loaded()
    try repository.commit(["web.yaml": "version 2\n"])
    try FileManager.default.removeItem(atPath: "\(repository.path)/objects")
    try FileManager.default.createDirectory(
      atPath: "\(repository.path)/objects", withIntermediateDirectories: true)
    await #expect(throws: SourceError.self) { try await fixture.load() }
  }
}
