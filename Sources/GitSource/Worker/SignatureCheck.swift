import CGit2
import Glibc
import Model

/// Verifies signatures with the tools that define them, as the worker's user, with key files of
/// this source only.
struct SignatureCheck {
  enum Finding: Hashable {
    case good(signer: String)
    case unsigned
    case bad(String)
  }

  let store: Store
  let verification: Verification
  let credentials: WorkerCredentials

  /// How many commits one load verifies: at about 20 ms each, well within its deadline.
  private static let limit = 500

  /// The first commit that is not signed as it must be, and the tip's signer.
  func check(
    tip: CommitID, since accepted: CommitID?
  ) throws -> (problem: (CommitID, Finding)?, signer: String?) {
    let finding = try check(tip)
    guard case .good(let signer) = finding else { return ((tip, finding), nil) }
    guard verification.scope == .everyCommit else { return (nil, signer) }
    for commit in try newCommits(tip, since: accepted) where commit != tip {
      let finding = try check(commit)
      guard case .good = finding else { return ((commit, finding), signer) }
    }
    return (nil, signer)
  }

  /// Without an accepted commit: the tip, and what it merges.
  private func newCommits(_ tip: CommitID, since accepted: CommitID?) throws -> [CommitID] {
    var walk: OpaquePointer?
    try git(git_revwalk_new(&walk, store.repository), "walk the history")
    defer { git_revwalk_free(walk) }
    var id = try objectID(tip.rawValue)
    if let accepted, try store.holds(accepted.rawValue) {
      var old = try objectID(accepted.rawValue)
      try git(git_revwalk_push(walk, &id), "walk the history")
      try git(git_revwalk_hide(walk, &old), "walk the history")
    } else {
      return try parents(tip)
    }
    var commits: [CommitID] = []
    while git_revwalk_next(&id, walk) == 0 {
      guard commits.count < Self.limit else {
        throw CommitProblem(
          "more than \(Self.limit) new commits to verify: set verification.scope to tip once")
      }
      commits.append(CommitID(rawValue: hexadecimal(id)))
    }
    return commits
  }

  /// The parents of a merge; none for any other commit.
  private func parents(_ tip: CommitID) throws -> [CommitID] {
    let commit = try CommitText(tip, in: store)
    return commit.parents.count > 1 ? commit.parents : []
  }

  private func check(_ commit: CommitID) throws -> Finding {
    var id = try objectID(commit.rawValue)
    var signature = git_buf()
    var signed = git_buf()
    defer {
      git_buf_dispose(&signature)
      git_buf_dispose(&signed)
    }
    let code = git_commit_extract_signature(&signature, &signed, store.repository, &id, nil)
    if code == GIT_ENOTFOUND.rawValue { return .unsigned }
    try git(code, "read the signature of \(commit)")
    let text = bytes(signature)
    let head = String(decoding: text.prefix(64), as: UTF8.self)
    if head.hasPrefix("-----BEGIN SSH SIGNATURE-----") {
      return try ssh(text, bytes(signed), time: CommitText(commit, in: store).committed)
    }
    if head.hasPrefix("-----BEGIN PGP SIGNATURE-----") { return try gpg(text, bytes(signed)) }
    return .bad("signed in a form that is not supported (ssh and OpenPGP are)")
  }

  private func git(_ code: Int32, _ what: String) throws(GitFailure) {
    guard code >= 0 else { throw GitFailure(code: code, doing: what) }
  }

  private func bytes(_ buffer: git_buf) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: buffer.ptr, count: buffer.size))
  }

  private func ssh(_ signature: [UInt8], _ signed: [UInt8], time: Int) throws -> Finding {
    guard let allowed = credentials.allowedSignersFile else {
      return .bad("signed with ssh, but the source has no allowedSignersFile")
    }
    let file = try write(signature, "signature")
    // Whether a key is valid is asked for the time of the commit, as git does it.
    let options = ["-s", file, "-Overify-time=\(SignatureTime.text(time))"]
    let find = try run(
      ["/usr/bin/ssh-keygen", "-Y", "find-principals", "-f", allowed] + options, [])
    let principals = find.text.split(separator: "\n").map(String.init)
    guard find.isSuccess, let principal = principals.first(where: { !$0.isEmpty }) else {
      return .bad("signed by a key that allowedSignersFile does not list for that time")
    }
    let revoked = credentials.revokedKeysFile.map { ["-r", $0] } ?? []
    let verify = try run(
      ["/usr/bin/ssh-keygen", "-Y", "verify", "-n", "git", "-f", allowed, "-I", principal]
        + options + revoked, signed)
    guard verify.isSuccess else {
      return .bad("the ssh signature of \(principal) is not valid: the key may be revoked")
    }
    return .good(signer: principal)
  }

  private func gpg(_ signature: [UInt8], _ signed: [UInt8]) throws -> Finding {
    guard !credentials.gpgKeyrings.isEmpty else {
      return .bad("signed with OpenPGP, but the source has no gpgKeyrings")
    }
    let home = "\(credentials.scratch)/gnupg"
    let base = ["/usr/bin/gpg", "--homedir", home, "--batch", "--no-tty", "--no-autostart"]
    if mkdir(home, 0o700) == 0 {
      _ = try run(base + ["--quiet", "--import"] + credentials.gpgKeyrings, [])
    }
    let file = try write(signature, "signature")
    let verify = try run(
      base + [
        "--status-fd", "1", "--no-auto-key-retrieve", "--trust-model", "always", "--verify", file,
        "-",
      ], signed)
    let status = verify.text.split(separator: "\n").map { $0.split(separator: " ") }
    func line(_ keyword: String) -> [Substring]? {
      status.first { $0.count > 1 && String($0[1]) == keyword }
    }
    // GOODSIG is not given for keys or signatures that are expired or revoked.
    guard verify.isSuccess, let good = line("GOODSIG"), let valid = line("VALIDSIG") else {
      return .bad("the OpenPGP signature is not valid by any key in gpgKeyrings")
    }
    let name = good.dropFirst(3).joined(separator: " ")
    let fingerprint = valid.dropFirst(2).first.map(String.init) ?? ""
    return .good(signer: "\(name) (\(fingerprint))")
  }

  private func write(_ bytes: [UInt8], _ name: String) throws(SourceError) -> String {
    let path = "\(credentials.scratch)/\(name)"
    let file = Descriptor(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    guard writeAll(file.number, bytes) else { throw .worker("cannot write \(path)") }
    return path
  }

  private func run(
    _ arguments: [String], _ input: [UInt8]
  ) throws(SourceError) -> (isSuccess: Bool, text: String) {
    let program = ChildProcess.program(
      arguments, ["PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=\(credentials.scratch)"])
    let output = try ChildProcess(input: input, deadline: .seconds(10)).run(program)
    return (output.end == .exited(0), String(decoding: output.standardOutput, as: UTF8.self))
  }
}

enum SignatureTime {
  /// `20260301120000Z`, as ssh-keygen reads it.
  static func text(_ seconds: Int) -> String {
    let text = WallTime(milliseconds: seconds * 1000).description
    return text.prefix { $0 != "." }.filter { $0.isNumber } + "Z"
  }
}
