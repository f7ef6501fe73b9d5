import CGit2

/// libgit2's own refusal. Its text can be stale, so the code decides.
struct GitFailure: Error {
  let code: Int32
  let message: String

  init(code: Int32, doing what: String) {
    self.code = code
    let detail = git_error_last().flatMap { $0.pointee.message.map { String(cString: $0) } }
    message = "\(what): \(detail ?? "error \(code)")"
  }
}

/// Throws unless the code is 0 or above.
@discardableResult
func check(_ code: Int32, _ what: @autoclosure () -> String) throws(GitFailure) -> Int32 {
  guard code >= 0 else { throw GitFailure(code: code, doing: what()) }
  return code
}

func objectID(_ text: String) throws(GitFailure) -> git_oid {
  var id = git_oid()
  try check(git_oid_fromstr(&id, text), "\(text) is not an object id")
  return id
}

func hexadecimal(_ id: git_oid) -> String {
  var id = id
  var text = [CChar](repeating: 0, count: 41)
  git_oid_tostr(&text, text.count, &id)
  return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// libgit2 with everything off that a server of ours does not need.
enum GitLibrary {
  static func start() throws(GitFailure) {
    try check(git_libgit2_init(), "start libgit2")
    let levels = [
      GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
      GIT_CONFIG_LEVEL_GLOBAL,
    ]
    for level in levels { try check(viridian_git_set_search_path(level, ""), "search path") }
    let switches: [(git_libgit2_opt_t, Int32)] = [
      (GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1), (GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1),
      (GIT_OPT_SET_OWNER_VALIDATION, 1), (GIT_OPT_ENABLE_FSYNC_GITDIR, 1),
    ]
    for (option, value) in switches { try check(viridian_git_set_int(option, value), "option") }
    let sizes: [(git_libgit2_opt_t, Int)] = [
      // Small windows, so that a large pack does not use up the address space.
      (GIT_OPT_SET_MWINDOW_SIZE, 16 << 20), (GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, 128 << 20),
      // Below the limit of 64 descriptors.
      (GIT_OPT_SET_MWINDOW_FILE_LIMIT, 32), (GIT_OPT_SET_PACK_MAX_OBJECTS, 4_000_000),
    ]
    for (option, value) in sizes { try check(viridian_git_set_size(option, value), "option") }
    try check(viridian_git_set_signed_size(GIT_OPT_SET_CACHE_MAX_SIZE, 32 << 20), "option")
    try check(viridian_git_set_text(GIT_OPT_SET_TEMPLATE_PATH, ""), "template path")
  }
}
