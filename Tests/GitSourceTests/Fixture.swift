import Foundation
import GitSource
import Model
import Support

/// One source with its own state directory, and short ways to ask it.
struct Fixture {
  let state: TemporaryDirectory
  /// Lives as long as its source.
  private var repository: GitRepository?
  var configuration: SourceConfiguration

  init(_ url: String, reference: SourceConfiguration.Reference = .branch("main")) throws {
    state = try TemporaryDirectory()
    configuration = SourceConfiguration(name: "shop", url: url, reference: reference)
  }

  init(_ repository: GitRepository, reference: SourceConfiguration.Reference = .branch("main"))
    throws
  {
    try self.init("file://\(repository.path)", reference: reference)
    self.repository = repository
  }

  var store: String { state.path("shop/store.git") }

  func source(_ program: WorkerProgram? = nil) throws -> GitSource {
    try GitSource(
      configuration, directory: state.path("shop"), worker: program ?? Self.program(),
      parserContext: "told")
  }

  static func program() -> WorkerProgram {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let worker = tests.deletingLastPathComponent().appendingPathComponent("source-worker-fixture")
    return WorkerProgram([worker.path])
  }

  func load(accepted: String? = nil) async throws -> SourceVerdict {
    try await source().load(accepted: accepted.map { CommitID(rawValue: $0) })
  }
}

extension SourceVerdict {
  var held: HeldCommit.Reason? {
    if case .held(let commit) = self { commit.reason } else { nil }
  }
  var rejected: String? {
    if case .rejected(let commit) = self { commit.message } else { nil }
  }
}

let web = ["web.yaml": "version 1.0\n"]
