import Foundation
import GitSource
import Model
import Support
import Testing

/// The product's own worker parses only what changed, and finds what it would find from nothing.
@Suite(.timeLimit(.minutes(15))) struct ParsingTests {
  private func source(_ repository: GitRepository, in directory: String) throws -> GitSource {
    try GitSource(
      SourceConfiguration(
        name: "shop", url: "file://\(repository.path)", reference: .branch("main")),
      directory: directory, worker: WorkerProgram([Programs.viridian.path, "source-worker"]),
      user: .agent,
      parserContext: #"{"platforms":{"local":"local"},"environments":[]}"#)
  }

  private static func application(_ name: String, _ extra: String = "") -> String {
    """
    apiVersion: viridian.dev/v1alpha1
    kind: Application
    metadata: { name: \(name) }
    spec:
      workload:
        process: { artifact: "artifacts/\(name)", command: [./run, "${version}"] }
      traffic: { mode: none }
    \(extra)
    """
  }

  private static func environment(_ name: String) -> String {
    """
    apiVersion: viridian.dev/v1alpha1
    kind: Environment
    metadata: { name: \(name) }
    spec: { platform: local }

    """
  }

  private static func target(
    _ application: String, _ environment: String, version: String, _ extra: String = ""
  ) -> String {
    """
    apiVersion: viridian.dev/v1alpha1
    kind: Target
    metadata: { name: \(application) }
    spec:
      application: \(application)
      environment: \(environment)
      version: \(version)
    \(extra)
    """
  }

  private func fleet(_ applications: Int, _ environments: Int) -> [String: String] {
    var files = ["artifacts/a0/run": "x"]
    for a in 0..<applications { files["applications/a\(a).yaml"] = Self.application("a\(a)") }
    for e in 0..<environments {
      files["environments/e\(e).yaml"] = Self.environment("e\(e)")
      for a in 0..<applications {
        files["targets/e\(e)/a\(a).yaml"] = Self.target("a\(a)", "e\(e)", version: "1.0.0")
      }
    }
    return files
  }

  @Test func `of 300 targets one bump parses one file, and a rename none`() async throws {
    let (repository, directory) = (try GitRepository(), try TemporaryDirectory())
    let source = try source(repository, in: directory.path("shop"))
    var files = fleet(30, 10)
    try repository.commit(files)
    let first = try #require(try await source.load(accepted: nil).accepted)
    #expect(first.state.targets.count == 300 && first.state.isComplete)
    #expect(first.statistics.filesParsed == 340 && first.statistics.blobsRead == 340)

    files["targets/e3/a7.yaml"] = Self.target("a7", "e3", version: "1.0.1")
    try repository.commit(files)
    let bump = try #require(try await source.load(accepted: first.commit).accepted)
    #expect(bump.statistics.filesParsed == 1 && bump.statistics.blobsRead == 1)
    let changed = zip(first.state.targets, bump.state.targets)
      .filter { $0.declaredDigest != $1.declaredDigest }.map(\.1.id)
    #expect(changed == [TargetID("a7", "e3")])

    files["targets/moved.yaml"] = files.removeValue(forKey: "targets/e3/a7.yaml")
    try repository.commit(files)
    let rename = try #require(try await source.load(accepted: bump.commit).accepted)
    #expect(rename.statistics.filesParsed == 0 && rename.statistics.blobsRead == 0)
    let moved = try #require(rename.state.targets.first { $0.id == TargetID("a7", "e3") })
    #expect(moved.declaredAt?.file == "targets/moved.yaml" && moved.version == "1.0.1")

    files["applications/a7.yaml"] = Self.application("a7", "  instances: 3")
    try repository.commit(files)
    let shared = try #require(try await source.load(accepted: rename.commit).accepted)
    #expect(shared.statistics.filesParsed == 1)
    #expect(shared.state.targets.count { $0.spec.instances == 3 } == 10)
    withExtendedLifetime((repository, directory)) {}
  }

  /// One change of a random history: in a shared document, of a target, right or wrong.
  private func change(
    _ files: inout [String: String], _ random: inout some RandomNumberGenerator
  ) {
    let (a, e) = (Int.random(in: 0..<3, using: &random), Int.random(in: 0..<2, using: &random))
    let target = "targets/e\(e)/a\(a).yaml"
    switch Int.random(in: 0..<9, using: &random) {
    case 0: files["applications/a\(a).yaml"] = Self.application("a\(a)", "  instanses: 3")
    case 1: files["applications/a\(a).yaml"] = Self.application("a\(a)", "  instances: \(e + 2)")
    case 2: files["applications/a\(a).yaml"] = "apiVersion: viridian.dev/v1alpha1\nkind: [\n"
    case 3: files["environments/e\(e).yaml"] = nil
    case 4: files["environments/e\(e).yaml"] = Self.environment("e\(e)")
    case 5: files[target] = Self.target("a\(a)", "e\(e)", version: "1.\(a).\(e)", "  verion: 2")
    case 6: files["targets/twice.yaml"] = files[target]
    case 7: files["targets/twice.yaml"] = nil
    default: files[target] = Self.target("a\(a)", "e\(e)", version: "2.\(files.count).0")
    }
    files["artifacts/a\(a)/run"] = Bool.random(using: &random) ? "one" : nil
  }

  @Test(arguments: 1...2) func `whatever a commit breaks or repairs, it is as read from nothing`(
    seed: UInt64
  ) async throws {
    var random = SplitMix(seed: seed)
    let (repository, directory) = (try GitRepository(), try TemporaryDirectory())
    let source = try source(repository, in: directory.path("incremental"))
    var files = fleet(3, 2)
    var accepted: CommitID?
    var declared: [TargetID: DesiredTarget] = [:]
    for _ in 0..<8 {
      change(&files, &random)
      try repository.commit(files)
      let part = try await source.load(accepted: accepted)
      // A new value holds nothing.
      let all = try await self.source(repository, in: directory.path("whole"))
        .load(accepted: accepted)
      #expect(part.withoutStatistics == all.withoutStatistics.keeping(declared))
      declared = part.declared ?? declared
      accepted = part.accepted?.commit ?? accepted
    }
    #expect(accepted != nil)
    withExtendedLifetime((repository, directory)) {}
  }
}
