import CGit2
import Glibc
import Model

/// One connection to a source's repository.
final class Remote {
  struct Listing {
    /// The watched ref's object, which may be an annotated tag; nil: no such ref.
    var object: String?
    /// The commit, where the listing tells.
    var commit: CommitID?
  }

  private let request: WorkerRequest
  private let location: SourceURL
  private let context: RemoteContext
  private let remote: OpaquePointer

  /// `repository` nil: a detached remote, for listing only.
  init(_ request: WorkerRequest, repository: OpaquePointer?) throws {
    self.request = request
    let location = try request.configuration.validated()
    self.location = location
    context = Self.context(location, request)
    var remote: OpaquePointer?
    let url =
      switch location {
      case .file(let path): "file://\(path)"
      case .http(let url): url
      case .ssh: "ssh://\(location.place)/"
      }
    let code =
      repository.map { git_remote_create_anonymous(&remote, $0, url) }
      ?? git_remote_create_detached(&remote, url)
    try check(code, "prepare the connection")
    guard let remote else { throw GitFailure(code: -1, doing: "prepare the connection") }
    self.remote = remote
    if case .file = location {
      // The configuration names this path: whose it is was the administrator's choice. Our own
      // store was opened with the check on.
      try check(viridian_git_set_int(GIT_OPT_SET_OWNER_VALIDATION, 0), "option")
    }
  }

  deinit { git_remote_free(remote) }

  private static func context(_ location: SourceURL, _ request: WorkerRequest) -> RemoteContext {
    var isHTTP = false
    if case .http = location { isHTTP = true }
    return RemoteContext(
      isStateless: isHTTP, packLimit: request.configuration.limits.packBytes
    ) {
      switch location {
      case .http(let url): HTTPSmartConnection(url: url, place: location.place, request: request)
      case .ssh: SSHSmartConnection(location, request: request)
      case .file: nil
      }
    }
  }

  private func callbacks() throws(GitFailure) -> git_remote_callbacks {
    var callbacks = git_remote_callbacks()
    try check(
      git_remote_init_callbacks(&callbacks, UInt32(GIT_REMOTE_CALLBACKS_VERSION)), "callbacks")
    callbacks.payload = Unmanaged.passUnretained(context).toOpaque()
    callbacks.transfer_progress = watchTransfer
    if case .file = location { return callbacks }
    callbacks.transport = makeTransport
    return callbacks
  }

  /// Lists the refs, and finds the watched one.
  func list() throws -> Listing {
    var options = git_remote_connect_options()
    try check(
      git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION)), "list")
    options.callbacks = try callbacks()
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
    try perform("list \(location.place)") {
      git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options)
    }
    var heads: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
    var count = 0
    try perform("list \(location.place)") { git_remote_ls(&heads, &count, remote) }
    var listing = Listing()
    guard let name = request.configuration.fullReference else { return listing }
    for index in 0..<count {
      guard let head = heads?[index]?.pointee, let text = head.name else { continue }
      let found = String(cString: text)
      if found == name {
        listing.object = hexadecimal(head.oid)
        listing.commit = listing.commit ?? CommitID(rawValue: hexadecimal(head.oid))
      } else if found == name + "^{}" {
        listing.commit = CommitID(rawValue: hexadecimal(head.oid))
      }
    }
    return listing
  }

  /// Fetches what is watched into `refs/viridian`.
  func fetch() throws {
    var options = git_fetch_options()
    try check(git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION)), "fetch")
    options.callbacks = try callbacks()
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
    options.prune = GIT_FETCH_NO_PRUNE
    options.update_fetchhead = 0
    let specifications =
      request.configuration.fullReference.map { ["+\($0):\(Store.tipReference)"] }
      ?? ["+refs/heads/*:refs/viridian/heads/*", "+refs/tags/*:refs/viridian/tags/*"]
    var names: [UnsafeMutablePointer<CChar>?] = specifications.map { strdup($0) }
    defer { for name in names { free(name) } }
    let message = "viridian"
    try names.withUnsafeMutableBufferPointer { names in
      var list = git_strarray(strings: names.baseAddress, count: names.count)
      try perform("fetch from \(location.place)") { git_remote_download(remote, &list, &options) }
      try perform("store what \(location.place) sent") {
        var callbacks = options.callbacks
        return git_remote_update_tips(
          remote, &callbacks, 0, GIT_REMOTE_DOWNLOAD_TAGS_NONE, message)
      }
    }
  }

  private func perform(_ what: String, _ body: () -> Int32) throws {
    let code = body()
    if let failure = context.failure { throw failure }
    guard code < 0 else { return }
    let failure = GitFailure(code: code, doing: what)
    guard case .file(let path) = location, !what.hasPrefix("store") else { throw failure }
    guard access(path, F_OK) == 0 || errno != ENOENT else {
      throw SourceError.missing("there is no repository at \(path): correct the source's url")
    }
    guard access(path, R_OK | X_OK) == 0 else {
      throw SourceError.missing(
        "\(path) cannot be read by the source worker's user \(getuid()): it must be searchable")
    }
    throw failure
  }
}

/// Counts while the pack arrives; stops it at the limit.
private let watchTransfer: git_indexer_progress_cb = { progress, payload in
  guard let progress, let payload else { return -1 }
  let context = Unmanaged<RemoteContext>.fromOpaque(payload).takeUnretainedValue()
  guard progress.pointee.received_bytes <= context.packLimit else {
    context.failure =
      context.failure
      ?? .refused("the fetch is larger than \(context.packLimit) bytes (limits.packBytes)")
    return -1
  }
  return 0
}
