import CGit2
import Crypto
import Glibc

/// Reads raw trees and blobs, and remembers the trees for the next commit. What comes from the
/// cache is proved by its own hash: the cache is never an authority. Blobs are not in it: what is
/// worth keeping of them the agent holds.
final class ObjectReader {
  private static let magic = Array("viridian objects 2\n".utf8)

  private let odb: OpaquePointer
  private let cachePath: String
  private let limits: SourceLimits
  private var cached: [[UInt8]: ArraySlice<UInt8>]
  private var used: [[UInt8]: ArraySlice<UInt8>] = [:]
  private(set) var treesRead = 0
  private(set) var blobsRead = 0

  init(_ store: Store, limits: SourceLimits) throws(GitFailure) {
    var odb: OpaquePointer?
    try check(git_repository_odb(&odb, store.repository), "open the object store")
    guard let odb else { throw GitFailure(code: -1, doing: "open the object store") }
    self.odb = odb
    self.limits = limits
    cachePath = store.cachePath
    cached = Self.load(cachePath, limit: 4 * limits.totalBytes)
  }

  deinit { git_odb_free(odb) }

  func tree(_ id: [UInt8], at path: String) throws -> [TreeEntry] {
    // An entry takes at least 23 bytes, and its name may have 255.
    let limit = limits.treeEntries * 64
    if let known = used[id] ?? cached[id], Self.hash(known) == id, known.count <= limit {
      used[id] = known
      return try TreeEntry.parse(Array(known), at: path)
    }
    let bytes = try read(id, GIT_OBJECT_TREE, limit: limit, path: path)
    treesRead += 1
    used[id] = bytes[...]
    return try TreeEntry.parse(bytes, at: path)
  }

  func blob(_ id: [UInt8], limit: Int, at path: String) throws -> [UInt8] {
    let bytes = try read(id, GIT_OBJECT_BLOB, limit: limit, path: path)
    blobsRead += 1
    return bytes
  }

  private func read(
    _ id: [UInt8], _ type: git_object_t, limit: Int, path: String
  ) throws -> [UInt8] {
    var name = git_oid()
    withUnsafeMutableBytes(of: &name) { $0.copyBytes(from: id.prefix(20)) }
    var size = 0
    var found = GIT_OBJECT_INVALID
    // The size comes first, so that nothing large is ever allocated.
    try check(git_odb_read_header(&size, &found, odb, &name), "read \(path)")
    guard found == type else { throw CommitProblem("\"\(path)\" is not what its tree says") }
    guard size <= limit else {
      throw CommitProblem("\"\(path)\" has \(size) bytes, more than the limit of \(limit)")
    }
    var object: OpaquePointer?
    try check(git_odb_read(&object, odb, &name), "read \(path)")
    defer { git_odb_object_free(object) }
    return Array(
      UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object))
    )
  }

  private static func hash(_ tree: ArraySlice<UInt8>) -> [UInt8] {
    var hash = Insecure.SHA1()
    hash.update(data: Array("tree \(tree.count)\0".utf8))
    hash.update(data: tree)
    return Array(hash.finalize())
  }

  /// Writes what this commit used; the old cache stays if that fails, it is only slower.
  func save() {
    guard treesRead > 0 else { return }
    var bytes = Self.magic
    for (id, content) in used {
      bytes += id
      withUnsafeBytes(of: UInt32(content.count).littleEndian) { bytes += $0 }
      bytes += content
    }
    let partial = cachePath + ".new"
    let file = Descriptor(open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    guard writeAll(file.number, bytes) else { return }
    rename(partial, cachePath)
  }

  private static func load(_ path: String, limit: Int) -> [[UInt8]: ArraySlice<UInt8>] {
    guard let bytes = readWhole(path, limit: limit), bytes.starts(with: magic) else { return [:] }
    var objects: [[UInt8]: ArraySlice<UInt8>] = [:]
    var rest = bytes[magic.count...]
    while rest.count >= 24 {
      let id = Array(rest.prefix(20))
      let size = rest.dropFirst(20).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(24)
      guard rest.count >= size else { break }
      objects[id] = rest.prefix(size)
      rest = rest.dropFirst(size)
    }
    return objects
  }
}

/// `false` on any error.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return false }
    rest = rest.dropFirst(count)
  }
  return true
}

/// nil when it cannot be read or is larger than `limit`.
func readWhole(_ path: String, limit: Int) -> [UInt8]? {
  let file = Descriptor(open(path, O_RDONLY | O_CLOEXEC))
  guard file.number >= 0 else { return nil }
  return readWhole(file.number, limit: limit)
}

func readWhole(_ descriptor: Int32, limit: Int) -> [UInt8]? {
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 256 << 10)
  while true {
    let count = read(descriptor, &part, part.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0, bytes.count + count <= limit else { return nil }
    if count == 0 { return bytes }
    bytes += part[..<count]
  }
}
