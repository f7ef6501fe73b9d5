import Logging
package import Model
package import Planning
package import PlatformKit

/// Resolves the inputs of declared specs to immutable identities, apart from the passes, and keeps
/// what was fetched.
package actor Resolver: InputSupply {
  private let artifacts: any ArtifactFetcher
  private let secrets: any SecretReader
  private let nudge: Nudge
  private let clock: AgentClock
  private var results: [Key: Entry] = [:]
  private var running: Set<Key> = []
  /// Rises with every result; what `resolutions` gave stays true while it does not.
  private var revision = 0
  /// How many results all targets need.
  private var whole = 0
  /// No result is missing that a later call of `resolutions` could bring.
  private var isSettled = false
  /// The digests last given, for a hash takes longer than all the rest.
  private var digests: [TargetID: StackDigest] = [:]

  private struct StackDigest {
    var spec: StackSpec
    var inputs: [ResolvedInput]
    var digest: Digest
  }

  private struct Key: Hashable {
    var source: SourceName
    var reference: InputReference
    /// What the reference names, where that is known: the same in every commit that has it, so
    /// that a commit which does not change an artifact exports nothing.
    var object: String?
    /// nil where the object is known.
    var commit: CommitID?

    init(_ reference: InputReference, of target: DesiredTarget, at commit: CommitID) {
      source = target.source
      self.reference = reference
      if case .present(let object) = target.objects?[reference.name] {
        self.object = object
      } else {
        self.commit = commit
      }
    }
  }

  private enum Entry {
    case resolved(ResolvedInput)
    case failed(FaultClass, reason: String, at: Now)
  }

  /// More fetches at a time would only compete for the same line and disk.
  private static let concurrency = 4
  /// A failed fetch is tried again this often.
  private static let retryAfter = Duration.seconds(10)

  package init(
    artifacts: any ArtifactFetcher, secrets: any SecretReader, nudge: Nudge,
    clock: AgentClock = .host
  ) {
    self.artifacts = artifacts
    self.secrets = secrets
    self.nudge = nudge
    self.clock = clock
  }

  /// What is known now; begins what is missing, and nudges when it is there. `commits`: the newest of
  /// each source, in which all of its targets are declared; without one, the commit of the target.
  package func resolutions(
    of targets: [DesiredTarget], at commits: [SourceName: CommitID] = [:]
  ) -> [TargetID: Resolution] {
    let (result, needed) = ask(targets, commits)
    results = results.filter { needed[$0.key] != nil }
    if digests.count > result.count { digests = digests.filter { result[$0.key] != nil } }
    whole = results.count
    begin(needed)
    isSettled = running.isEmpty && needed.keys.allSatisfy { !isOpen($0) }
    return result
  }

  /// The same of targets that are declared otherwise than before, while all others are as they were
  /// when all were asked for; those with an input that is read again for each commit belong to them.
  package func resolutions(
    ofChanged targets: [DesiredTarget], at commits: [SourceName: CommitID]
  ) -> [TargetID: Resolution] {
    let (result, needed) = ask(targets, commits)
    begin(needed)
    // What nobody needs any more is forgotten when all are asked for: now and then.
    let isBounded = results.count <= 2 * whole + Self.leftovers
    isSettled =
      isSettled && isBounded && running.isEmpty && needed.keys.allSatisfy { !isOpen($0) }
    return result
  }

  /// What nobody needs is a few hundred bytes each.
  private static let leftovers = 1000

  private func ask(
    _ targets: [DesiredTarget], _ commits: [SourceName: CommitID]
  ) -> ([TargetID: Resolution], needed: [Key: CommitID]) {
    // Each with a commit that has it.
    var needed: [Key: CommitID] = [:]
    var result: [TargetID: Resolution] = [:]
    result.reserveCapacity(targets.count)
    for target in targets {
      if let absence = absence(target) {
        result[target.id] = absence
        continue
      }
      let commit = commits[target.source] ?? target.commit
      let keys = target.spec.inputs.map { Key($0, of: target, at: commit) }
      for key in keys { needed[key] = commit }
      result[target.id] = resolution(of: target, keys)
    }
    return (result, needed)
  }

  /// What `resolutions` gave at this revision is still all there is to know; nil: ask again.
  package var settledRevision: Int? { isSettled ? revision : nil }

  private func isOpen(_ key: Key) -> Bool {
    switch results[key] {
    case nil: true
    case .failed(let fault, _, _): key.object == nil || fault != .stack
    case .resolved: false
    }
  }

  /// What is known now of equal references, whatever their commit; begins nothing.
  package func known(of targets: [DesiredTarget]) -> [TargetID: Resolution] {
    let byReference = Dictionary(
      results.map { ("\($0.key.source)/\($0.key.reference.key)", $0.value) }
    ) { first, _ in first }
    var answer: [TargetID: Resolution] = [:]
    for target in targets {
      let entries = target.spec.inputs.map { byReference["\(target.source)/\($0.key)"] }
      let inputs = entries.compactMap { entry -> ResolvedInput? in
        guard case .resolved(let input) = entry else { return nil }
        return input
      }
      guard inputs.count == entries.count else { continue }
      answer[target.id] = .resolved(stackDigest: target.spec.stackDigest(inputs), inputs: inputs)
    }
    return answer
  }

  /// What the commit does not hold, no fetch will find.
  private func absence(_ target: DesiredTarget) -> Resolution? {
    for input in target.spec.inputs {
      guard case .absent(let reason) = target.objects?[input.name] else { continue }
      return .failed(.stack, reason: located(reason, target))
    }
    return nil
  }

  private func resolution(of target: DesiredTarget, _ keys: [Key]) -> Resolution {
    var inputs: [ResolvedInput] = []
    for key in keys {
      switch results[key] {
      case nil: return .waiting(reason: "resolving \(key.reference.key)")
      case .failed(.stack, let reason, _): return .failed(.stack, reason: located(reason, target))
      case .failed(let fault, let reason, _): return .failed(fault, reason: reason)
      case .resolved(let input): inputs.append(input)
      }
    }
    return .resolved(stackDigest: digest(of: target, inputs), inputs: inputs)
  }

  private func digest(of target: DesiredTarget, _ inputs: [ResolvedInput]) -> Digest {
    if let last = digests[target.id], last.inputs == inputs, last.spec == target.spec {
      return last.digest
    }
    let digest = target.spec.stackDigest(inputs)
    digests[target.id] = StackDigest(spec: target.spec, inputs: inputs, digest: digest)
    return digest
  }

  /// For the one who wrote the manifest: with file and line.
  private func located(_ reason: String, _ target: DesiredTarget) -> String {
    target.declaredAt.map { "\($0): \(reason)" } ?? reason
  }

  private func begin(_ needed: [Key: CommitID]) {
    let now = clock.now()
    let due = needed.filter { isDue($0.key, at: now) }
    let order = due.sorted { $0.key.reference < $1.key.reference }
    for (key, commit) in order.prefix(max(0, Self.concurrency - running.count)) {
      running.insert(key)
      Task { await self.resolve(key, at: commit) }
    }
  }

  private func isDue(_ key: Key, at now: Now) -> Bool {
    guard !running.contains(key) else { return false }
    guard case .failed(let fault, _, let at) = results[key] else { return results[key] == nil }
    // What is wrong with an object stays wrong: only another commit can have another.
    guard key.object == nil || fault != .stack else { return false }
    return now.elapsed(since: at, limit: .seconds(3600)) >= Self.retryAfter
  }

  private func resolve(_ key: Key, at commit: CommitID) async {
    let entry: Entry
    do throws(PlatformError) {
      entry = .resolved(
        ResolvedInput(
          reference: key.reference, identity: try await identity(of: key, at: commit)))
    } catch {
      let fault: FaultClass
      if case .rejected(.stack, _) = error { fault = .stack } else { fault = .platform }
      entry = .failed(fault, reason: "\(error)", at: clock.now())
    }
    results[key] = entry
    revision += 1
    isSettled = false
    running.remove(key)
    nudge()
  }

  private func identity(
    of key: Key, at commit: CommitID
  ) async throws(PlatformError) -> String {
    switch key.reference.kind {
    case .artifact:
      let file = try await artifacts.fetch(key.reference, source: key.source, commit: commit)
      return "\(file.sha256)"
    case .secret:
      return try await secrets.read(key.reference.name).version
    }
  }

  package func artifacts(
    for inputs: [ResolvedInput], source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> [String: ArtifactFile] {
    var files: [String: ArtifactFile] = [:]
    for input in inputs where input.reference.kind == .artifact {
      if let cached = await artifacts.cached(identity: input.identity) {
        files[input.reference.key] = cached
        continue
      }
      let file = try await artifacts.fetch(input.reference, source: source, commit: commit)
      guard "\(file.sha256)" == input.identity else {
        throw .rejected(
          fault: .platform,
          "\(input.reference.key) is not what was resolved: \(file.sha256), not \(input.identity)")
      }
      files[input.reference.key] = file
    }
    return files
  }

  package func secrets(
    for inputs: [ResolvedInput]
  ) async throws(PlatformError) -> [String: Secret] {
    var values: [String: Secret] = [:]
    for input in inputs where input.reference.kind == .secret {
      let secret = try await secrets.read(input.reference.name)
      guard secret.version == input.identity else {
        throw .rejected(
          fault: .platform, "the version of \(input.reference.key) that was resolved is gone")
      }
      values[input.reference.key] = secret.value
    }
    return values
  }
}

/// Brings artifacts into the content-addressed cache.
package protocol ArtifactFetcher: Sendable {
  /// The archive, verified; in the cache when it returns.
  func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile

  /// The archive with this identity when it is in the cache.
  func cached(identity: String) async -> ArtifactFile?
}

/// Reads secrets.
package protocol SecretReader: Sendable {
  /// `name`: `file:database-password`. The version is a keyed hash and shows nothing of the value.
  func read(_ name: String) async throws(PlatformError) -> (value: Secret, version: String)
}
