import Foundation
import GitSource
import Model
import Support
import Testing

/// Workers are copies of one process (decision 0028).
@Suite struct WorkerProgramTests {
  private let repository: GitRepository
  private let fixture: Fixture
  private let program = Fixture.program()

  init() throws {
    repository = try GitRepository()
    try repository.commit(web)
    fixture = try Fixture(repository)
  }

  /// The only process that makes workers.
  private func parent() throws -> Int32 {
    #expect(program.parentIDs.count == 1)
    return try #require(program.parentIDs.first)
  }

  @Test func `calls share the process that makes their workers, until one of these crashes`()
    async throws
  {
    let source = try fixture.source(program)
    _ = try await source.tip()
    let first = try parent()
    _ = try await source.load(accepted: nil)
    #expect(try parent() == first)

    try repository.commit(["web.yaml": "crash"])
    #expect(try await source.load(accepted: nil).rejected != nil)
    _ = try await source.tip()
    #expect(try parent() != first)
    // It has ended, and somebody has waited for it.
    #expect(kill(first, 0) != 0)
  }

  @Test func `the one that was killed is replaced by the next call`() async throws {
    let source = try fixture.source(program)
    _ = try await source.tip()
    let first = try parent()
    kill(first, SIGKILL)
    var end = siginfo_t()
    waitid(P_PID, id_t(first), &end, WEXITED | WNOWAIT)
    _ = try await source.tip()
    #expect(try parent() != first)
    #expect(kill(first, 0) != 0)
  }

  @Test func `many calls at a time get their own answers`() async throws {
    let repositories = try (0..<12).map { _ in try GitRepository() }
    let tips = try repositories.enumerated().map { index, repository in
      try repository.commit(["web.yaml": "version \(index)\n"])
    }
    let fixtures = try repositories.map { try Fixture($0) }
    defer { withExtendedLifetime(fixtures) {} }
    let sources = try fixtures.map { try $0.source(program) }
    let found = try await withThrowingTaskGroup(of: (Int, CommitID).self) { group in
      for (index, source) in sources.enumerated() {
        group.addTask { (index, try await source.tip()) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1.rawValue }
    }
    #expect(found == Dictionary(uniqueKeysWithValues: tips.enumerated().map { ($0, $1) }))
    _ = try parent()
  }
}
