import Glibc
import KeeperKit
import Model
import PlatformKit
import Synchronization

/// Reads the files of releases. A file whose stamp has not changed is not hashed again.
final class ReleaseReader: Sendable {
  private struct Hashed: Sendable {
    var stamp: FileStamp
    var content: String
  }

  /// Entries of all stacks together, about 200 bytes each; above it the cache starts anew.
  private static let cacheLimit = 200_000
  /// Deeper trees are none that we have unpacked; the reader must not run out of stack.
  private static let depthLimit = 128

  private let cache = Mutex<[String: Hashed]>([:])

  func read(_ layout: StackLayout, _ sheet: inout Sheet) {
    sheet.read(FieldPath("release", "/manifest")) { () throws(HostError) in
      try HostFile.read(layout.manifest).map { Digest.of($0).description }
    }
    sheet.exhaustive.append(FieldPath("release", "/files"))
    do throws(HostError) {
      guard let manifest = try HostFile.decode(ReleaseManifest.self, from: layout.manifest) else {
        throw .malformed(path: layout.manifest, reason: "is not there")
      }
      for entry in manifest.entries {
        sheet.declared[Self.field(entry.path)] = Self.text(entry)
      }
    } catch {
      // What was unpacked is not known any more; a fingerprint may still know it.
      sheet.giveUp([Self.field("")], because: "\(error)")
    }
    walk(layout.release, "", 0, &sheet)
    for field in Self.files(sheet.declared) where sheet.readings[field] == nil {
      sheet.read(field) { () throws(HostError) in nil }
    }
  }

  /// What cannot be read stays unread, with what lies below it; everything beside it is read.
  private func walk(_ directory: String, _ prefix: String, _ depth: Int, _ sheet: inout Sheet) {
    let names: [String]
    do throws(HostError) {
      guard depth < Self.depthLimit else {
        throw .malformed(path: directory, reason: "lies too deep")
      }
      names = try HostDirectory.list(directory)
    } catch {
      // The directory's own field with a slash at its end: whatever lies in it.
      sheet.giveUp(
        [Self.field(prefix)] + Self.files(sheet.declared, below: prefix), because: "\(error)")
      return
    }
    for name in names {
      let (file, path) = ("\(directory)/\(name)", prefix + name)
      var isDirectory = false
      sheet.read(Self.field(path)) { () throws(HostError) in
        guard let status = try HostFile.status(file) else { return nil }
        let kind = status.st_mode & S_IFMT
        isDirectory = kind == S_IFDIR
        return try text(file, status, kind) + Self.owner(status)
      }
      if isDirectory {
        walk(file, "\(path)/", depth + 1, &sheet)
      } else if case .unreadable(let reason) = sheet.readings[Self.field(path)] {
        sheet.giveUp(Self.files(sheet.declared, below: "\(path)/"), because: reason)
      }
    }
  }

  private static func files(
    _ fields: [FieldPath: String], below prefix: String = ""
  ) -> [FieldPath] {
    let start = field(prefix)
    return fields.keys.filter {
      $0.resource == start.resource && $0.pointer.hasPrefix(start.pointer)
    }
  }

  private func text(_ path: String, _ status: stat, _ kind: UInt32) throws(HostError) -> String {
    let mode = String(status.st_mode & 0o7777, radix: 8)
    switch kind {
    case S_IFDIR: return "directory, mode \(mode)"
    case S_IFLNK: return "link to \(try HostFile.linkTarget(path))"
    case S_IFREG: return "sha256:\(try content(path, FileStamp(status))), mode \(mode)"
    default: return "a special file (type \(String(kind, radix: 8)))"
    }
  }

  private func content(_ path: String, _ stamp: FileStamp) throws(HostError) -> String {
    if let known = cache.withLock({ $0[path] }), known.stamp == stamp { return known.content }
    let file = try Descriptor(open: path, O_RDONLY | O_NOFOLLOW)
    let content = try FileHash.sha256(file, path)
    cache.withLock { cache in
      if cache.count >= Self.cacheLimit { cache.removeAll() }
      cache[path] = Hashed(stamp: stamp, content: content)
    }
    return content
  }

  private static func field(_ path: String) -> FieldPath {
    // As JSON pointers escape it; the slashes stay, so that patterns follow the tree.
    FieldPath("release", "/files/" + path.replacing("~", with: "~0"))
  }

  private static func text(_ entry: ReleaseManifest.Entry) -> String {
    switch entry.kind {
    case .file: "sha256:\(entry.content), mode \(entry.mode)"
    case .directory: "directory, mode \(entry.mode)"
    case .link: "link to \(entry.content)"
    }
  }

  /// Everything in a release belongs to who unpacked it.
  private static func owner(_ status: stat) -> String {
    status.st_uid == geteuid() ? "" : ", uid \(status.st_uid)"
  }
}
