import Crypto
import FoundationEssentials
import Glibc
package import Model

/// A watched repository. Everything it asks is answered by a short-lived worker process, so that
/// no commit and no server can take the agent down or hang it.
package struct GitSource: Sendable {
  package let configuration: SourceConfiguration
  private let directory: String
  private let worker: WorkerProgram
  private let user: WorkerUser
  private let parserContext: String
  private let memory = SnapshotMemory()

  /// `directory` holds the store of this source and is made if it is missing; the directories above
  /// it must be searchable by the worker's user. `parserContext` reaches the parser in each snapshot.
  ///
  /// Errors: `.configuration` for anything that is wrong before the first connection.
  package init(
    _ configuration: SourceConfiguration, directory: String, worker: WorkerProgram,
    user: WorkerUser = .dedicated, parserContext: String = ""
  ) throws(SourceError) {
    _ = try configuration.validated()
    self.configuration = configuration
    self.directory = directory
    self.worker = worker
    self.user = user
    self.parserContext = parserContext
    try WorkerDirectory(path: directory, user: user).prepare()
  }

  /// The commit of the watched ref, by listing only. Call it on every poll; call `load` when the
  /// answer differs from what was loaded last.
  package func tip() async throws(SourceError) -> CommitID {
    guard case .tip(let commit) = try await ask(.list).0 else { throw Self.confused }
    return commit
  }

  /// Fetches what is new, verifies and reads it: only files and targets that differ from those of
  /// the last commit that this value has accepted, whose rest it holds. `accepted`: the newest
  /// commit known to have been accepted; nil: what the store remembers.
  package func load(accepted: CommitID?) async throws(SourceError) -> SourceVerdict {
    guard case (.verdict(let verdict), let parts) = try await ask(.load(accepted: accepted)) else {
      throw Self.confused
    }
    return try memory.complete(verdict, parts)
  }

  /// Writes the artifact at `path` of the repository to the new file `file`. The same tree gives
  /// the same bytes.
  package func export(
    path: String, commit: CommitID, into file: String
  ) async throws(SourceError) -> (sha256: Model.Digest, bytes: Int) {
    guard isObjectID(commit.rawValue), !path.isEmpty, !path.hasPrefix("/") else {
      throw .configuration("\"\(path)\" at \(commit) is not a path in the repository")
    }
    let scratch = try WorkerDirectory(path: directory, user: user).makeScratch()
    defer { removeTree(scratch) }
    let made = "\(scratch)/artifact"
    let (answer, _) = try await ask(
      .export(path: path, commit: commit, file: made), scratch: scratch)
    guard case .exported(let sha256, let bytes) = answer else { throw Self.confused }
    let copied = try FileCopy.copy(made, to: file, limit: configuration.limits.artifactBytes * 2)
    // The worker's word is not enough: the digest is that of the bytes that arrived.
    guard copied == sha256 else { throw .damaged("the artifact \(path) changed on its way") }
    return (sha256, bytes)
  }

  /// Remembers the commit as accepted; the next one must descend from it.
  package func accept(_ commit: CommitID) async throws(SourceError) {
    guard case .done = try await ask(.accept(commit)).0 else { throw Self.confused }
  }

  /// The caller goes on with this state, in which a target may name an earlier commit that declared it
  /// alike: what this value holds is from now on the same value.
  package func hold(_ state: DesiredState) { memory.hold(state) }

  private static let confused = SourceError.worker("the source worker answered something else")

  private func ask(
    _ verb: WorkerRequest.Verb, scratch given: String? = nil
  ) async throws(SourceError) -> (WorkerAnswer, SnapshotParts) {
    let place = WorkerDirectory(path: directory, user: user)
    let scratch: String
    if let given { scratch = given } else { scratch = try place.makeScratch() }
    defer { if given == nil { removeTree(scratch) } }
    var request = WorkerRequest(
      verb: verb, configuration: configuration, directory: directory,
      credentials: try place.copyCredentials(of: configuration, to: scratch),
      user: try place.numbers(), parserContext: parserContext)
    let call = WorkerCall(program: worker, deadline: deadline(verb))
    var parts = SnapshotParts()
    if case .load = verb { parts = memory.parts }
    let first = try await call.run(request, parts)
    guard case .died(let how, let stage) = first else { return try first.answer() }
    // A damaged store can kill its reader, and so may what it was told: once more with a new store
    // and nothing told, then it is the commit.
    if case .network = stage { throw .timedOut("\(configuration.url): \(how)") }
    request.startsAnew = true
    memory.forget()
    switch try await call.run(request) {
    case .died(let how, .reading(let commit)):
      let message = "reading commit \(commit.short) \(how): it is refused as a whole"
      guard case .load = verb else { throw .refused(message) }
      let rejected = RejectedCommit(commit: commit, message: message)
      return (.verdict(.rejected(rejected)), SnapshotParts())
    case .died(let how, .network): throw .timedOut("\(configuration.url): \(how)")
    case .died(let how, .store): throw .worker("the source worker \(how)")
    case .answered(let answer, let parts):
      return try WorkerCall.Outcome.answered(answer, parts).answer()
    }
  }

  /// A little more than the worker's own deadlines: what is killed here has not kept them.
  private func deadline(_ verb: WorkerRequest.Verb) -> Duration {
    let deadlines = configuration.deadlines
    return switch verb {
    case .list: deadlines.list + .seconds(2)
    case .load, .export: deadlines.list + deadlines.fetch + deadlines.read
    case .accept: deadlines.read
    }
  }
}
