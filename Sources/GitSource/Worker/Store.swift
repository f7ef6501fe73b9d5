import CGit2
import Glibc
import Model

/// The bare object store of one source, held by one process at a time. Nothing is ever checked out.
final class Store {
  static let tipReference = "refs/viridian/tip"
  static let acceptedReference = "refs/viridian/accepted"

  /// Above this many packs, one for each fetch, the store is cloned anew: it stays small.
  private static let packLimit = 200

  let repository: OpaquePointer
  let cachePath: String
  private let lock: Descriptor

  init(directory: String, startsAnew: Bool) throws {
    cachePath = "\(directory)/objects.cache"
    lock = Descriptor(Glibc.open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
    guard lock.number >= 0, flock(lock.number, LOCK_EX) == 0 else {
      throw SourceError.worker("cannot lock \(directory): \(String(cString: strerror(errno)))")
    }
    let path = "\(directory)/store.git"
    if startsAnew || Self.count(packsIn: path) > Self.packLimit { try Self.moveAside(path) }
    do {
      repository = try Self.open(path)
    } catch {
      // Damaged beyond opening: a store holds nothing that the server does not have.
      try Self.moveAside(path)
      repository = try Self.open(path)
    }
  }

  deinit { git_repository_free(repository) }

  private static func open(_ path: String) throws(GitFailure) -> OpaquePointer {
    var repository: OpaquePointer?
    if access("\(path)/HEAD", F_OK) != 0 {
      try check(git_repository_init(&repository, path, 1), "make the store")
      git_repository_free(repository)
      repository = nil
    }
    removeLeftovers(path)
    try check(git_repository_open_bare(&repository, path), "open the store")
    guard let repository else { throw GitFailure(code: -1, doing: "open the store") }
    return repository
  }

  /// We hold the lock, so every lock file and half-written pack is left over from a crash.
  private static func removeLeftovers(_ path: String) {
    for directory in [path, "\(path)/refs/viridian"] {
      for name in names(in: directory) where name.hasSuffix(".lock") {
        unlink("\(directory)/\(name)")
      }
    }
    let packs = "\(path)/objects/pack"
    for name in names(in: packs) where !name.hasPrefix("pack-") || name.hasSuffix(".lock") {
      unlink("\(packs)/\(name)")
    }
  }

  /// One damaged store is kept for people to look at.
  private static func moveAside(_ path: String) throws(SourceError) {
    let aside = "\(path).damaged"
    removeTree(aside)
    guard rename(path, aside) == 0 || errno == ENOENT else {
      throw .worker("cannot move \(path) aside: \(String(cString: strerror(errno)))")
    }
  }

  private static func count(packsIn path: String) -> Int {
    names(in: "\(path)/objects/pack").count { $0.hasSuffix(".pack") }
  }

  /// nil when there is no such ref.
  func reference(_ name: String) throws(GitFailure) -> String? {
    var id = git_oid()
    let code = git_reference_name_to_id(&id, repository, name)
    if code == GIT_ENOTFOUND.rawValue { return nil }
    try check(code, "read \(name)")
    return hexadecimal(id)
  }

  func set(_ name: String, to commit: CommitID) throws(GitFailure) {
    var id = try objectID(commit.rawValue)
    var reference: OpaquePointer?
    try check(
      git_reference_create(&reference, repository, name, &id, 1, "viridian"), "write \(name)")
    git_reference_free(reference)
  }

  func holds(_ object: String) throws(GitFailure) -> Bool {
    var odb: OpaquePointer?
    try check(git_repository_odb(&odb, repository), "open the object store")
    defer { git_odb_free(odb) }
    var id = try objectID(object)
    return git_odb_exists(odb, &id) == 1
  }

  /// Follows annotated tags to the commit.
  func commit(at object: String) throws -> CommitID {
    var current = try objectID(object)
    // A tag of a tag is rare; a long chain is an attack.
    for _ in 0..<8 {
      var found: OpaquePointer?
      try check(git_object_lookup(&found, repository, &current, GIT_OBJECT_ANY), "read \(object)")
      defer { git_object_free(found) }
      switch git_object_type(found) {
      case GIT_OBJECT_COMMIT: return CommitID(rawValue: hexadecimal(current))
      case GIT_OBJECT_TAG:
        guard let target = git_tag_target_id(found) else { continue }
        current = target.pointee
      default: throw CommitProblem("\(object) is not a commit")
      }
    }
    throw CommitProblem("\(object) is a chain of more than 8 tags")
  }

  func relation(of commit: CommitID, to accepted: CommitID?) throws -> CommitRelation {
    guard let accepted else { return .first }
    if accepted == commit { return .same }
    guard try holds(accepted.rawValue) else { return .previousMissing }
    var new = try objectID(commit.rawValue)
    var old = try objectID(accepted.rawValue)
    if try check(git_graph_descendant_of(repository, &new, &old), "walk the history") == 1 {
      return .descendant
    }
    var base = git_oid()
    let code = git_merge_base(&base, repository, &new, &old)
    if code == GIT_ENOTFOUND.rawValue { return .unrelated }
    try check(code, "walk the history")
    return .rewound
  }
}
