import Agent
import Model
import Planning
import PlatformKit
import Testing

/// What a commit did not change is not fetched again.
@Suite struct ResolverTests {
  private let fetcher = CountingFetcher()

  private func resolver() -> Resolver {
    Resolver(artifacts: fetcher, secrets: NoSecrets(), nudge: Nudge())
  }

  private func target(commit: CommitID, _ object: ArtifactObject?) -> DesiredTarget {
    let input = InputReference(kind: .artifact, name: "artifacts/web")
    let spec = StackSpec(workloadKind: "process", workload: .object([:]), inputs: [input])
    var target = DesiredTarget(
      id: TargetID("web", "production"), source: "main", commit: commit, version: "1",
      platform: "local", spec: spec, declaredDigest: spec.declaredDigest,
      declaredAt: FilePosition(file: "production/web.yaml", line: 7))
    target.objects = object.map { ["artifacts/web": $0] }
    return target
  }

  /// Asks until it is resolved or failed.
  private func settle(_ resolver: Resolver, _ target: DesiredTarget) async -> Resolution? {
    for _ in 0..<10_000 {
      let resolution = await resolver.resolutions(of: [target])[target.id]
      guard case .waiting = resolution else { return resolution }
      await Task.yield()
    }
    return nil
  }

  @Test func `one export for all commits that have the same object`() async throws {
    let resolver = resolver()
    let first = await settle(resolver, target(commit: "c1", .present("file a")))
    let second = await settle(resolver, target(commit: "c2", .present("file a")))
    #expect(first != nil && first == second)
    #expect(await fetcher.commits == ["c1"])
    _ = await settle(resolver, target(commit: "c3", .present("file b")))
    #expect(await fetcher.commits == ["c1", "c3"])
  }

  @Test func `without an object each commit is asked`() async throws {
    let resolver = resolver()
    _ = await settle(resolver, target(commit: "c1", nil))
    _ = await settle(resolver, target(commit: "c2", nil))
    #expect(await fetcher.commits == ["c1", "c2"])
  }

  @Test func `what the commit does not hold fails at once, with file and line`() async throws {
    let resolver = resolver()
    let absent = target(commit: "c1", .absent(reason: "the repository has no \"artifacts/web\""))
    #expect(
      await resolver.resolutions(of: [absent])[absent.id]
        == .failed(
          .stack, reason: "production/web.yaml:7: the repository has no \"artifacts/web\""))
    #expect(await fetcher.commits.isEmpty)
  }
}

private actor CountingFetcher: ArtifactFetcher {
  private(set) var commits: [CommitID] = []

  func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile {
    commits.append(commit)
    return ArtifactFile(path: "/nowhere", sha256: Digest.of("\(commits.count)"))
  }

  func cached(identity: String) async -> ArtifactFile? { nil }
}

private struct NoSecrets: SecretReader {
  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String) {
    throw .transient("no secrets here")
  }
}
