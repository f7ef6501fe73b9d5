import CGit2
import FoundationEssentials
import Glibc
import Model

package func fuzzTree(_ bytes: [UInt8]) {
  guard let entries = try? TreeEntry.parse(bytes, at: "") else { return }
  for entry in entries {
    precondition(entry.id.count == 20 && !entry.name.contains("/"), "a wrong entry")
    precondition(entry.name.lowercased() != ".git" && entry.name != "..", "a dangerous entry")
  }
}

package func fuzzURL(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  _ = ReferenceRules.isValid(text)
  guard let url = try? SourceURL(text, allowInsecureHTTP: true) else { return }
  if case .ssh(let user, let host, _, let path) = url {
    precondition(!host.hasPrefix("-") && user?.hasPrefix("-") != true, "an option of ssh")
    precondition(!path.contains("'") && !path.contains("\n"), "a path that leaves its quotes")
  }
}

// MARK: - The worker's answer, as the agent reads it

package func fuzzAnswer(_ bytes: [UInt8]) {
  _ = WorkerStage.last(in: String(decoding: bytes, as: UTF8.self))
  if let message = WorkerMessage(bytes) {
    precondition(WorkerMessage(message.encoded)?.parts == message.parts, "read otherwise")
    read(message.json, message.parts)
  }
  // Most inputs have no length in front.
  read(bytes, SnapshotParts())
}

private func read(_ json: [UInt8], _ parts: SnapshotParts) {
  _ = try? JSONDecoder().decode(WorkerRequest.self, from: Data(json))
  guard let answer = try? JSONDecoder().decode(WorkerAnswer.self, from: Data(json)) else { return }
  guard case .verdict(let verdict) = answer,
    case .accepted(let accepted)? = try? SnapshotMemory().complete(verdict, parts)
  else { return }
  for target in accepted.state.targets {
    _ = target.declaredDigest
    _ = target.spec.canonical.json
    let policies = [target.spec.health.interval, target.spec.health.deadline, target.rollout.bake]
    for duration in policies { _ = duration.text }
  }
  _ = accepted.state.diagnostics.map(\.description)
}

// MARK: - With libgit2

nonisolated(unsafe) private let store: Store = {
  var template = Array("/tmp/viridian-fuzz-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { fatalError("no directory") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  directory = path
  atexit { removeTree(directory) }
  do {
    try GitLibrary.start()
    try check(viridian_git_set_int(GIT_OPT_ENABLE_FSYNC_GITDIR, 0), "option")
    return try Store(directory: path, startsAnew: false)
  } catch {
    fatalError("\(error)")
  }
}()

nonisolated(unsafe) private var directory = ""

/// The bytes as a commit object: its text, its tree, its signature's form.
package func fuzzCommit(_ bytes: [UInt8]) {
  var odb: OpaquePointer?
  guard git_repository_odb(&odb, store.repository) == 0 else { return }
  defer { git_odb_free(odb) }
  var id = git_oid()
  guard git_odb_write(&id, odb, bytes, bytes.count, GIT_OBJECT_COMMIT) == 0 else { return }
  let name = hexadecimal(id)
  let commit = CommitID(rawValue: name)
  if let text = try? CommitText(commit, in: store) {
    let all = text.subject + text.author
    precondition(all.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }, "controls")
    _ = SignatureTime.text(text.committed)
  }
  let check = SignatureCheck(
    store: store, verification: Verification(policy: .require),
    credentials: WorkerCredentials(scratch: directory))
  _ = try? check.check(tip: commit, since: nil)
  unlink("\(directory)/store.git/objects/\(name.prefix(2))/\(name.dropFirst(2))")
}

/// A server that says exactly this, over the smart protocol.
private final class Recording: SmartConnection, SmartStream {
  private let listing: [UInt8]
  private let pack: [UInt8]
  private var rest: ArraySlice<UInt8> = []

  init(listing: [UInt8], pack: [UInt8] = []) {
    self.listing = listing
    self.pack = pack
  }

  func stream(listing isListing: Bool) throws(SourceError) -> any SmartStream {
    rest = (isListing ? listing : pack)[...]
    return self
  }

  func close() {}
  func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {}

  func read(into target: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let part = rest.prefix(target.count)
    target.copyBytes(from: part)
    rest = rest.dropFirst(part.count)
    return part.count
  }
}

private func connect(_ server: Recording, _ body: (OpaquePointer, git_remote_callbacks) -> Void) {
  _ = store
  let context = RemoteContext(isStateless: true, packLimit: 1 << 20) { server }
  var remote: OpaquePointer?
  // Looking for another URL leaks 20 KB a time in libgit2 1.5 with PCRE2: a worker ends soon, this does not.
  var creation = git_remote_create_options()
  git_remote_create_options_init(&creation, UInt32(GIT_REMOTE_CREATE_OPTIONS_VERSION))
  creation.repository = store.repository
  creation.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF.rawValue
  guard git_remote_create_with_opts(&remote, "http://127.0.0.1/x", &creation) == 0, let remote
  else { return }
  defer { git_remote_free(remote) }
  var options = git_remote_connect_options()
  git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION))
  git_remote_init_callbacks(&options.callbacks, UInt32(GIT_REMOTE_CALLBACKS_VERSION))
  options.callbacks.payload = Unmanaged.passUnretained(context).toOpaque()
  options.callbacks.transport = makeTransport
  if git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options) == 0 {
    body(remote, options.callbacks)
  }
  git_remote_disconnect(remote)
  withExtendedLifetime(context) {}
}

package func fuzzAdvertisement(_ bytes: [UInt8]) {
  connect(Recording(listing: bytes)) { remote, _ in
    var heads: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
    var count = 0
    guard git_remote_ls(&heads, &count, remote) == 0 else { return }
    for index in 0..<count {
      guard let head = heads?[index]?.pointee, let name = head.name else { continue }
      _ = String(cString: name)
      _ = hexadecimal(head.oid)
    }
  }
}

/// An honest listing, and whatever comes after it.
package func fuzzPack(_ bytes: [UInt8]) {
  let id = String(repeating: "a", count: 40)
  let line = "\(id) refs/heads/main\0 ofs-delta side-band-64k\n"
  let size = String(line.utf8.count + 4, radix: 16)
  let listing = "001e# service=git-upload-pack\n0000" + "00\(size)\(line)0000"
  connect(Recording(listing: Array(listing.utf8), pack: bytes)) { remote, callbacks in
    var options = git_fetch_options()
    git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION))
    options.callbacks = callbacks
    var name: UnsafeMutablePointer<CChar>? = strdup("+refs/heads/main:\(Store.tipReference)")
    defer { free(name) }
    var list = git_strarray(strings: &name, count: 1)
    _ = git_remote_download(remote, &list, &options)
  }
  for name in names(in: "\(directory)/store.git/objects/pack") {
    unlink("\(directory)/store.git/objects/pack/\(name)")
  }
}
