import CArchive
import CHost
import Glibc
import KeeperKit
import PlatformKit

/// The child that reads an archive: verifies it, refuses what is hostile, and writes a read-only
/// tree with its manifest.
struct Unpacking {
  /// The archive itself is to blame.
  static let refusedCode: Int32 = 3

  /// Something an archive must not hold, for people.
  struct Refusal: Error { var reason: String }

  private let target: String
  private let limits: UnpackLimits
  private var entries: [ReleaseManifest.Entry] = []
  private var seen: Set<String> = []
  private var links: [(path: String, target: String)] = []
  private var bytes = 0

  /// Twice what the runtime and libarchive were seen to use.
  private static let memoryBytes: UInt64 = 2 << 30

  /// `archive sha256 target manifest entries bytes seconds`; prints what is wrong.
  static func main(_ arguments: [String]) -> Int32 {
    let limits = UnpackLimits(
      entries: Int(arguments[4]) ?? 0, bytes: Int(arguments[5]) ?? 0,
      deadlineSeconds: Int(arguments[6]) ?? 0)
    // Names are UTF-8, and libarchive converts them by the locale.
    setlocale(LC_CTYPE, "C.UTF-8")
    var unpacking = Unpacking(target: arguments[2], limits: limits)
    do {
      try unpacking.limitSelf()
      let archive = try unpacking.verify(arguments[0], arguments[1])
      failpoint("unpack.after-verify")
      try HostDirectory.make(arguments[2], mode: 0o755)
      try unpacking.unpack(archive)
      try unpacking.finish(arguments[3])
      failpoint("unpack.after-manifest")
      return 0
    } catch let refusal as Refusal {
      say(refusal.reason)
      return refusedCode
    } catch {
      say("\(error)")
      return 1
    }
  }

  private init(target: String, limits: UnpackLimits) {
    self.target = target
    self.limits = limits
  }

  /// An archive may be made to use without end what its reader uses.
  private func limitSelf() throws {
    // The manifest of the most entries fits into the second term.
    let file = UInt64(max(0, limits.bytes)) + (256 << 20)
    let code = chost_limit_self(Self.memoryBytes, file, UInt64(max(1, limits.deadlineSeconds)))
    guard code == 0 else { throw HostError.system(what: "cannot limit myself", errno: -code) }
  }

  /// The very file that was hashed, to be read again from its beginning.
  private func verify(_ archive: String, _ expected: String) throws -> Descriptor {
    let file = try Descriptor(open: archive, O_RDONLY | O_NONBLOCK)
    let found = try FileHash.sha256(file, archive)
    // The cache is to blame, not the archive: it is fetched again.
    guard found == expected else {
      throw HostError.malformed(path: archive, reason: "has SHA-256 \(found), not \(expected)")
    }
    guard lseek(file.number, 0, SEEK_SET) == 0 else {
      throw HostError.system(what: "cannot read \(archive) again", errno: errno)
    }
    return file
  }

  private mutating func unpack(_ file: Descriptor) throws {
    guard let archive = archive_read_new() else {
      throw HostError.system(what: "cannot read the archive", errno: ENOMEM)
    }
    defer { archive_read_free(archive) }
    archive_read_support_format_tar(archive)
    archive_read_support_filter_gzip(archive)
    try check(archive_read_open_fd(archive, file.number, 1 << 16), archive)
    var entry: OpaquePointer?
    while true {
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { break }
      try check(code, archive)
      guard let entry else { break }
      try take(entry, archive)
      failpoint("unpack.after-entry")
    }
    try withExtendedLifetime(file) { try makeLinks() }
  }

  /// The last, so that nothing is ever written through one.
  private mutating func makeLinks() throws {
    for link in links {
      guard symlink(link.target, "\(target)/\(link.path)") == 0 else {
        throw HostError.system(what: "cannot make the link \(link.path)", errno: errno)
      }
      entries.append(.init(path: link.path, kind: .link, mode: "", content: link.target))
    }
  }

  private mutating func take(_ entry: OpaquePointer, _ archive: OpaquePointer) throws {
    guard seen.count < limits.entries else {
      throw Refusal(reason: "it has more than \(limits.entries) entries")
    }
    guard let name = archive_entry_pathname(entry).flatMap({ String(validatingCString: $0) })
    else { throw Refusal(reason: "an entry has no name, or one that is not UTF-8") }
    let kind = archive_entry_filetype(entry)
    guard let path = try ArchivePath.normal(name) else {
      guard kind == S_IFDIR else { throw Refusal(reason: "\"\(name)\" is the root itself") }
      return
    }
    guard archive_entry_hardlink(entry) == nil else {
      throw Refusal(reason: "\"\(name)\" is a hard link")
    }
    if kind == S_IFDIR, seen.contains(path + "/") { return }
    guard seen.insert(kind == S_IFDIR ? path + "/" : path).inserted,
      !seen.contains(kind == S_IFDIR ? path : path + "/")
    else { throw Refusal(reason: "\"\(name)\" is there twice") }
    try makeParents(of: path)
    switch kind {
    case S_IFDIR: try makeDirectory(path)
    case S_IFREG: try write(path, entry, archive)
    case S_IFLNK:
      let link = archive_entry_symlink(entry).flatMap { String(validatingCString: $0) } ?? ""
      guard ArchivePath.isPrintable(link), ArchivePath.isInside(link, from: path) else {
        throw Refusal(reason: "the link \"\(name)\" may lead outside of the release")
      }
      links.append((path, link))
    default: throw Refusal(reason: "\"\(name)\" is neither file, directory nor link")
    }
  }

  /// Directories that the archive does not name are made; a link is never one of them.
  private mutating func makeParents(of path: String) throws {
    let parts = path.split(separator: "/").map(String.init)
    for count in 1..<max(1, parts.count) {
      let parent = parts.prefix(count).joined(separator: "/")
      if seen.contains(parent) {
        throw Refusal(reason: "\"\(path)\" lies below \"\(parent)\", which is no directory")
      }
      if seen.insert(parent + "/").inserted { try makeDirectory(parent) }
    }
  }

  private mutating func makeDirectory(_ path: String) throws {
    guard mkdir("\(target)/\(path)", 0o755) == 0 else {
      throw HostError.system(what: "cannot make \(path)", errno: errno)
    }
    entries.append(.init(path: path, kind: .directory, mode: "555", content: ""))
  }

  private mutating func write(
    _ path: String, _ entry: OpaquePointer, _ archive: OpaquePointer
  ) throws {
    let mode = archive_entry_perm(entry)
    guard mode & 0o7000 == 0 else {
      throw Refusal(reason: "\"\(path)\" has a setuid, setgid or sticky bit")
    }
    let size = Int(archive_entry_size(entry))
    guard size >= 0, size <= limits.bytes - bytes else {
      throw Refusal(reason: "it unpacks to more than \(limits.bytes) bytes")
    }
    let full = "\(target)/\(path)"
    let file = try Descriptor(open: full, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
    try copy(archive, to: file, path, size)
    let isExecutable = mode & 0o111 != 0
    guard fchmod(file.number, isExecutable ? 0o555 : 0o444) == 0,
      lseek(file.number, 0, SEEK_SET) == 0
    else { throw HostError.system(what: "cannot finish \(path)", errno: errno) }
    entries.append(
      .init(
        path: path, kind: .file, mode: isExecutable ? "555" : "444",
        content: try FileHash.sha256(file, full)))
  }

  /// Exactly as many bytes as the entry says: a hole at the end of a sparse file comes as nothing.
  private mutating func copy(
    _ archive: OpaquePointer, to file: Descriptor, _ path: String, _ size: Int
  ) throws {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var written = 0
    while true {
      let count = archive_read_data(archive, &chunk, chunk.count)
      if count == 0 { break }
      guard count > 0 else { throw Refusal(reason: "\"\(path)\": \(Self.words(archive))") }
      written += count
      guard written <= size else { break }
      try Self.write(chunk[..<count], to: file, path)
    }
    guard written == size else {
      throw Refusal(reason: "\"\(path)\" has not the \(size) bytes that it should have")
    }
    bytes += written
  }

  private static func write(
    _ bytes: ArraySlice<UInt8>, to file: Descriptor, _ path: String
  ) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
      guard count > 0 else {
        throw HostError.system(what: "cannot write \(path)", errno: errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  private mutating func finish(_ manifest: String) throws {
    let directories = entries.filter { $0.kind == .directory }.map { "\(target)/\($0.path)" }
    for directory in directories + [target] {
      guard chmod(directory, 0o555) == 0 else {
        throw HostError.system(what: "cannot make \(directory) read-only", errno: errno)
      }
    }
    let root = try Descriptor(open: target, O_RDONLY | O_DIRECTORY)
    guard isSynced(root) else {
      throw HostError.system(what: "cannot sync \(target)", errno: errno)
    }
    entries.sort { $0.path < $1.path }
    try HostFile.write(try HostFile.json(ReleaseManifest(entries: entries)), to: manifest)
  }

  private func check(_ code: Int32, _ archive: OpaquePointer) throws {
    guard code == ARCHIVE_OK || code == ARCHIVE_WARN else {
      throw Refusal(reason: Self.words(archive))
    }
  }

  private static func words(_ archive: OpaquePointer) -> String {
    archive_error_string(archive).map { String(cString: $0) } ?? "it cannot be read"
  }
}
