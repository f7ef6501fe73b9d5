import Foundation
import GitSource
import Model
import Support
import Testing

/// What the corpus in Tests/EndToEndTests/Hostile does not show from outside.
@Suite struct HostileTests {
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
}
