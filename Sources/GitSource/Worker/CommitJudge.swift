import Model

/// Decides what one commit that lies in the store is worth.
struct CommitJudge {
  let store: Store
  let request: WorkerRequest
  let parse: SnapshotParser
  let commit: CommitID
  let accepted: CommitID?
  let fetched: Bool
  private var configuration: SourceConfiguration { request.configuration }

  init(
    store: Store, request: WorkerRequest, parse: @escaping SnapshotParser, commit: CommitID,
    accepted: CommitID?, fetched: Bool
  ) {
    self.store = store
    self.request = request
    self.parse = parse
    self.commit = commit
    self.accepted = accepted
    self.fetched = fetched
  }

  func verdict() throws -> SourceVerdict {
    let relation = try store.relation(of: commit, to: accepted)
    var warnings: [String] = []
    if let held = heldForRelation(relation) {
      guard configuration.allowRewind else { return .held(held) }
      warnings.append("allowRewind: \(held.message)")
    }
    let (heldForSignature, signer) = try signature()
    if let held = heldForSignature {
      guard configuration.verification.policy == .warn else { return .held(held) }
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
  ) throws -> SourceVerdict {
    let text = try CommitText(commit, in: store)
    let reader = try ObjectReader(store, limits: configuration.limits)
    var walk = SnapshotWalk(reader, configuration)
    let root = try objectID(text.tree)
    guard try walk.run(root: withUnsafeBytes(of: root) { Array($0) }) else {
      return .held(
        held(.missingPath, "\(commit.short) has no directory \"\(configuration.path)\""))
    }
    guard !walk.files.isEmpty else {
      return .held(
        held(.emptyTree, "\(commit.short) has no YAML file below \"\(configuration.path)\""))
    }
    let state = parse(
      SourceSnapshot(
        source: configuration.name, commit: commit, files: walk.files,
        parserContext: request.parserContext))
    reader.save()
    guard !state.targets.isEmpty || !state.broken.isEmpty else {
      var held = held(.noTargets, "\(commit.short) declares no target")
      held.diagnostics = state.diagnostics
      return .held(held)
    }
    return .accepted(
      AcceptedCommit(
        commit: commit, state: state, relation: relation, subject: text.subject,
        author: text.author, signer: signer, warnings: warnings,
        statistics: ReadStatistics(
          files: walk.files.count, treesRead: reader.treesRead, blobsRead: reader.blobsRead,
          fetched: fetched)))
  }

  private func held(_ reason: HeldCommit.Reason, _ message: String) -> HeldCommit {
    HeldCommit(reason: reason, commit: commit, message: message)
  }
}
