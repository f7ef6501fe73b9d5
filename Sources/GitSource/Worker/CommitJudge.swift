import Crypto
import FoundationEssentials
import Model

/// Decides what one commit that lies in the store is worth.
struct CommitJudge {
  let store: Store
  let request: WorkerRequest
  let held: SnapshotParts
  let parser: SnapshotParser
  let commit: CommitID
  let accepted: CommitID?
  let fetched: Bool
  private var configuration: SourceConfiguration { request.configuration }

  init(
    store: Store, request: WorkerRequest, held: SnapshotParts, parser: SnapshotParser,
    commit: CommitID, accepted: CommitID?, fetched: Bool
  ) {
    self.store = store
    self.request = request
    self.held = held
    self.parser = parser
    self.commit = commit
    self.accepted = accepted
    self.fetched = fetched
  }

  /// The parts belong to an accepted commit; its state has only the targets that are not held.
  func verdict() throws -> (SourceVerdict, SnapshotParts) {
    let relation = try store.relation(of: commit, to: accepted)
    var warnings: [String] = []
    if let held = heldForRelation(relation) {
      guard configuration.allowRewind else { return nothing(.held(held)) }
      warnings.append("allowRewind: \(held.message)")
    }
    let (heldForSignature, signer) = try signature()
    if let held = heldForSignature {
      guard configuration.verification.policy == .warn else { return nothing(.held(held)) }
      warnings.append(held.message)
    }
    return try read(relation, signer, warnings)
  }

  private func heldForRelation(_ relation: CommitRelation) -> HeldCommit? {
    let last = accepted?.short ?? ""
    let advice = "push a commit on top of \(last), or set allowRewind once"
    return switch relation {
    case .first, .same, .descendant: nil
    case .rewound:
      held(.forcePush, "\(commit.short) does not descend from the accepted \(last): \(advice)")
    case .unrelated:
      held(.unrelatedHistory, "\(commit.short) shares no history with \(last): \(advice)")
    case .previousMissing:
      held(
        .previousMissing,
        "the accepted commit \(last) is no longer on the server, so that \(commit.short) cannot be "
          + "shown to descend from it: \(advice)")
    }
  }

  private func signature() throws -> (HeldCommit?, signer: String?) {
    guard configuration.verification.policy != .off else { return (nil, nil) }
    let check = SignatureCheck(
      store: store, verification: configuration.verification, credentials: request.credentials)
    let (problem, signer) = try check.check(tip: commit, since: accepted)
    switch problem {
    case nil: return (nil, signer)
    case (let bad, .unsigned)?:
      return (
        held(
          .unsigned, "commit \(bad.short) is not signed: sign it, or have it merged by one who does"
        ), signer
      )
    case (let bad, .bad(let why))?:
      return (held(.badSignature, "commit \(bad.short): \(why)"), signer)
    case (_, .good)?: return (nil, signer)
    }
  }

  private func read(
    _ relation: CommitRelation, _ signer: String?, _ warnings: [String]
  ) throws -> (SourceVerdict, SnapshotParts) {
    let text = try CommitText(commit, in: store)
    let reader = try ObjectReader(store, limits: configuration.limits)
    var walk = SnapshotWalk(reader, configuration, held: held.files, parser: parser)
    let id = try objectID(text.tree)
    let root = withUnsafeBytes(of: id) { Array($0) }
    guard try walk.run(root: root) else {
      return nothing(
        .held(held(.missingPath, "\(commit.short) has no directory \"\(configuration.path)\"")))
    }
    guard !walk.files.isEmpty else {
      return nothing(
        .held(held(.emptyTree, "\(commit.short) has no YAML file below \"\(configuration.path)\"")))
    }
    var state = parser.assemble(
      SourceSnapshot(
        source: configuration.name, commit: commit, files: walk.files,
        parserContext: request.parserContext))
    guard !state.targets.isEmpty || !state.broken.isEmpty else {
      reader.save()
      var held = held(.noTargets, "\(commit.short) declares no target")
      held.diagnostics = state.diagnostics
      return nothing(.held(held))
    }
    state.freezeOverride = text.freezeOverride
    var lookup = ArtifactLookup(reader, root: root)
    try lookup.run(&state)
    reader.save()
    let parts = try parts(walk, &state)
    let accepted = AcceptedCommit(
      commit: commit, state: state, relation: relation, subject: text.subject,
      author: text.author, signer: signer, warnings: warnings,
      statistics: ReadStatistics(
        files: walk.files.count, treesRead: reader.treesRead, blobsRead: reader.blobsRead,
        filesParsed: walk.new.count, fetched: fetched))
    return (.accepted(accepted), parts)
  }

  private func nothing(_ verdict: SourceVerdict) -> (SourceVerdict, SnapshotParts) {
    (verdict, SnapshotParts())
  }

  /// Takes the targets out of the state that are held as they are.
  private func parts(_ walk: SnapshotWalk, _ state: inout DesiredState) throws -> SnapshotParts {
    let parts = SnapshotParts(
      files: walk.new, kept: Array(walk.kept), targets: try state.targets.map(TargetName.of))
    let keptBytes = walk.kept.reduce(0) { $0 + (held.files[$1]?.reading.count ?? 0) }
    guard parts.size + keptBytes <= SnapshotParts.mostBytes else { return SnapshotParts() }
    let known = Set(held.targets)
    state.targets = zip(state.targets, parts.targets).filter { !known.contains($1) }.map(\.0)
    return parts
  }

  private func held(_ reason: HeldCommit.Reason, _ message: String) -> HeldCommit {
    HeldCommit(reason: reason, commit: commit, message: message)
  }
}

/// Names a target by all that it says.
private enum TargetName {
  static func of(_ target: DesiredTarget) throws -> SnapshotParts.TargetName {
    var target = target
    target.commit = ""
    return Array(SHA256.hash(data: Array(try CanonicalJSON.text(target).utf8)))
  }
}
