import CArchive
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

  /// `archive sha256 target manifest entries bytes`; prints what is wrong.
  static func main(_ arguments: [String]) -> Int32 {
    let limits = UnpackLimits(
      entries: Int(arguments[4]) ?? 0, bytes: Int(arguments[5]) ?? 0)
    var unpacking = Unpacking(target: arguments[2], limits: limits)
    do {
      try unpacking.verify(arguments[0], arguments[1])
      failpoint("unpack.after-verify")
      try HostDirectory.make(arguments[2], mode: 0o755)
      try unpacking.unpack(arguments[0])
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

  private func verify(_ archive: String, _ expected: String) throws {
    let file = try Descriptor(open: archive, O_RDONLY)
    let found = try FileHash.sha256(file, archive)
    // The cache is to blame, not the archive: it is fetched again.
    guard found == expected else {
      throw HostError.malformed(path: archive, reason: "has SHA-256 \(found), not \(expected)")
    }
  }

  private mutating func unpack(_ path: String) throws {
    guard let archive = archive_read_new() else {
      throw HostError.system(what: "no memory for \(path)", errno: ENOMEM)
    }
    defer { archive_read_free(archive) }
    archive_read_support_format_tar(archive)
    archive_read_support_filter_gzip(archive)
    try check(archive_read_open_filename(archive, path, 1 << 16), archive)
    var entry: OpaquePointer?
    while true {
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { break }
      try check(code, archive)
      guard let entry else { break }
      try take(entry, archive)
      failpoint("unpack.after-entry")
    }
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
    guard let name = archive_entry_pathname(entry).map({ String(cString: $0) }) else {
      throw Refusal(reason: "an entry has no name")
    }
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
    case S_IFREG: try write(path, mode: archive_entry_perm(entry), archive)
    case S_IFLNK:
      let link = archive_entry_symlink(entry).map { String(cString: $0) } ?? ""
      guard ArchivePath.isInside(link, from: path) else {
        throw Refusal(reason: "the link \"\(name)\" leads outside of the release: \"\(link)\"")
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

  private mutating func write(_ path: String, mode: mode_t, _ archive: OpaquePointer) throws {
    guard mode & 0o7000 == 0 else {
      throw Refusal(reason: "\"\(path)\" has a setuid, setgid or sticky bit")
    }
    let full = "\(target)/\(path)"
    let file = try Descriptor(open: full, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = archive_read_data(archive, &chunk, chunk.count)
      if count == 0 { break }
      guard count > 0 else { throw Refusal(reason: "\"\(path)\": \(Self.words(archive))") }
      bytes += count
      guard bytes <= limits.bytes else {
        throw Refusal(reason: "it unpacks to more than \(limits.bytes) bytes")
      }
      guard Glibc.write(file.number, chunk, count) == count else {
        throw HostError.system(what: "cannot write \(path)", errno: errno)
      }
    }
    let isExecutable = mode & 0o111 != 0
    fchmod(file.number, isExecutable ? 0o555 : 0o444)
    lseek(file.number, 0, SEEK_SET)
    entries.append(
      .init(
        path: path, kind: .file, mode: isExecutable ? "555" : "444",
        content: try FileHash.sha256(file, full)))
  }

  private mutating func finish(_ manifest: String) throws {
    for entry in entries where entry.kind == .directory { chmod("\(target)/\(entry.path)", 0o555) }
    chmod(target, 0o555)
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
