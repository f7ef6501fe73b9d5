import CGit2
import FoundationEssentials
import Glibc
import Model

/// The short-lived process in which everything hostile is read: one request on standard input, one
/// answer on standard output.
package enum SourceWorker {
  /// Runs one request; the result is the process's exit status. With a socket as standard input it is
  /// the parent of workers instead, which only makes copies of itself. `parser` turns the files of a
  /// commit into targets.
  package static func main(_ parser: SnapshotParser) -> Int32 {
    if WorkerParent.isWanted { return WorkerParent.serve { work(parser, isCopy: true) } }
    return work(parser, isCopy: false)
  }

  /// What the first use of these makes takes longer than all the rest of a listing; every copy has it.
  /// What fails here fails in each copy, and is said there.
  static func warmUp() {
    try? GitLibrary.start()
    let configuration = SourceConfiguration(name: "none", url: "/", reference: .branch("none"))
    let request = WorkerRequest(
      verb: .list, configuration: configuration, directory: "/",
      credentials: WorkerCredentials(scratch: "/"))
    let text = try? JSONEncoder().encode(request)
    _ = text.flatMap { try? JSONDecoder().decode(WorkerRequest.self, from: $0) }
    _ = try? JSONEncoder().encode(WorkerAnswer.tip(CommitID(rawValue: "none")))
  }

  /// `isCopy`: of a `WorkerParent`, which ends it when the agent dies.
  private static func work(_ parser: SnapshotParser, isCopy: Bool) -> Int32 {
    // Nothing but the answer may reach the agent's side of the pipe.
    let answers = dup(1)
    dup2(2, 1)
    let limit = (4 << 20) + SnapshotParts.mostBytes
    guard answers >= 0, let bytes = readWhole(0, limit: limit), let message = WorkerMessage(bytes)
    else { return 64 }
    do {
      let request = try JSONDecoder().decode(WorkerRequest.self, from: Data(message.json))
      let (answer, parts) = try answer(request, message.parts, parser, isCopy: isCopy)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let text = try encoder.encode(answer)
      guard text.count <= request.configuration.limits.answerBytes else {
        return write(.failed(.refused("the commit declares more than an answer may hold")), answers)
      }
      return write(WorkerMessage(json: Array(text), parts: parts), answers)
    } catch {
      return write(.failed(.worker("the source worker: \(error)")), answers)
    }
  }

  private static func write(_ answer: WorkerAnswer, _ descriptor: Int32) -> Int32 {
    guard let text = try? JSONEncoder().encode(answer) else { return 70 }
    return write(WorkerMessage(json: Array(text)), descriptor)
  }

  private static func write(_ message: WorkerMessage, _ descriptor: Int32) -> Int32 {
    writeAll(descriptor, message.encoded) ? 0 : 74
  }

  private static func answer(
    _ request: WorkerRequest, _ held: SnapshotParts, _ parser: SnapshotParser, isCopy: Bool
  ) throws -> (WorkerAnswer, SnapshotParts) {
    do {
      setenv("HOME", request.credentials.scratch, 1)
      try confine(request, isCopy: isCopy)
      try GitLibrary.start()
      return try WorkerTask(request: request, held: held, parser: parser).answer()
    } catch let error as SourceError {
      return (.failed(error), SnapshotParts())
    } catch let problem as CommitProblem {
      return (.failed(.refused(problem.message)), SnapshotParts())
    } catch let failure as GitFailure {
      return (.failed(.damaged(failure.message)), SnapshotParts())
    }
  }

  private static func confine(_ request: WorkerRequest, isCopy: Bool) throws(SourceError) {
    let limits = request.configuration.limits
    // 512 MiB, and what the largest artifact takes while it is packed.
    let data = (512 << 20) + 2 * limits.artifactBytes
    let file = max(limits.packBytes, limits.artifactBytes) + (64 << 20)
    let code = viridian_confine(
      request.user == nil ? 0 : 1, request.user?.user ?? 0, request.user?.group ?? 0,
      rlim_t(data), rlim_t(file), 60, isCopy ? 0 : 1)
    guard code == 0 else {
      throw .worker("cannot give up privileges: \(String(cString: strerror(errno)))")
    }
  }

  static func report(_ stage: WorkerStage) {
    _ = writeAll(2, Array(stage.line.utf8))
  }
}

/// One request, step by step.
private struct WorkerTask {
  let request: WorkerRequest
  let held: SnapshotParts
  let parser: SnapshotParser
  private var configuration: SourceConfiguration { request.configuration }

  init(request: WorkerRequest, held: SnapshotParts, parser: SnapshotParser) {
    self.request = request
    self.held = held
    self.parser = parser
  }

  func answer() throws -> (WorkerAnswer, SnapshotParts) {
    switch request.verb {
    case .list: return (.tip(try tip()), SnapshotParts())
    case .load(let accepted):
      let (verdict, parts) = try again { store in try load(store, accepted: accepted) }
      return (.verdict(verdict), parts)
    case .export(let path, let commit, let file):
      let answer = try again { store in try export(store, path, commit, to: file) }
      return (answer, SnapshotParts())
    case .accept(let commit):
      let store = try Store(directory: request.directory, startsAnew: false)
      try store.set(Store.acceptedReference, to: commit)
      try AcceptedFile(directory: request.directory).write(commit)
      return (.done, SnapshotParts())
    }
  }

  /// A store that shows damage is cloned anew, once.
  private func again<Answer>(_ body: (Store) throws -> Answer) throws -> Answer {
    if !request.startsAnew {
      do {
        return try body(try Store(directory: request.directory, startsAnew: false))
      } catch is GitFailure {
        // Our copy, the server's data, or both: a new copy tells.
      }
    }
    return try body(try Store(directory: request.directory, startsAnew: true))
  }

  private func tip() throws -> CommitID {
    if case .commit(let commit) = configuration.reference { return commit }
    SourceWorker.report(.network)
    let listing = try list(Remote(request, repository: nil))
    guard let commit = listing.commit else { throw SourceError.missing(missingReference) }
    return commit
  }

  /// Nothing that goes wrong here can be the fault of our store.
  private func list(_ remote: Remote) throws -> Remote.Listing {
    do {
      return try remote.list()
    } catch let failure as GitFailure {
      throw SourceError.unreachable(failure.message)
    }
  }

  private var missingReference: String {
    "\(configuration.url) has no \(configuration.fullReference ?? "such commit"): "
      + "nothing changes until it is back"
  }

  /// The commit that is watched, brought here if it is not; nil: no such ref.
  private func fetch(_ store: Store, wanted: CommitID? = nil) throws -> (CommitID?, Bool) {
    let exact: CommitID? =
      if case .commit(let commit) = configuration.reference { commit } else { wanted }
    if let exact, try store.holds(exact.rawValue) { return (exact, false) }
    SourceWorker.report(.network)
    let remote = try Remote(request, repository: store.repository)
    let listing = try list(remote)
    if configuration.fullReference != nil, listing.object == nil { return (nil, false) }
    if let object = listing.object, try store.reference(Store.tipReference) == object,
      try store.holds(object)
    {
      return (try store.commit(at: object), false)
    }
    try remote.fetch()
    SourceWorker.report(.store)
    if let exact { return (try store.holds(exact.rawValue) ? exact : nil, true) }
    guard let object = try store.reference(Store.tipReference) else { return (nil, true) }
    return (try store.commit(at: object), true)
  }

  private func load(
    _ store: Store, accepted told: CommitID?
  ) throws -> (SourceVerdict, SnapshotParts) {
    let accepted = try told ?? AcceptedFile(directory: request.directory).read()
    var commit: CommitID?
    do {
      let (found, fetched) = try fetch(store)
      guard let found else {
        let held = HeldCommit(reason: .missingReference, message: missingReference)
        return (.held(held), SnapshotParts())
      }
      commit = found
      SourceWorker.report(.reading(found))
      return try CommitJudge(
        store: store, request: request, held: held, parser: parser, commit: found,
        accepted: accepted, fetched: fetched
      ).verdict()
    } catch let problem as CommitProblem {
      let rejected = RejectedCommit(commit: commit, message: problem.message)
      return (.rejected(rejected), SnapshotParts())
    }
  }

  private func export(
    _ store: Store, _ path: String, _ commit: CommitID, to file: String
  ) throws -> WorkerAnswer {
    guard try fetch(store, wanted: commit).0 == commit else {
      throw SourceError.missing("commit \(commit.short) is no longer in \(configuration.url)")
    }
    SourceWorker.report(.reading(commit))
    let root = try CommitText(commit, in: store).tree
    let reader = try ObjectReader(store, limits: configuration.limits)
    let id = try objectID(root)
    let bytes = try ArtifactExport(reader: reader, limits: configuration.limits)
      .archive(path, root: withUnsafeBytes(of: id) { Array($0) })
    let target = Descriptor(open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600))
    guard writeAll(target.number, bytes) else {
      throw SourceError.worker("cannot write \(file): \(String(cString: strerror(errno)))")
    }
    return .exported(sha256: Digest.of(bytes), bytes: bytes.count)
  }
}
