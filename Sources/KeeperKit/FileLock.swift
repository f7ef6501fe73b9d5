import CHost
import Glibc

/// A lock that lives as long as the open file: no copy of it passes to a child that executes.
package final class FileLock: Sendable {
  private let file: Descriptor
  private init(_ file: Descriptor) { self.file = file }

  /// Takes the lock; nil when somebody else holds it.
  package static func take(_ path: String) throws(HostError) -> FileLock? {
    let file = try Descriptor(open: path, O_RDWR | O_CREAT | O_NOFOLLOW)
    let result = chost_lock(file.number)
    guard result >= 0 else { throw .system(what: "cannot lock \(path)", errno: -result) }
    guard result == 0 else { return nil }
    return FileLock(file)
  }

  /// Whether `path` still names the locked file: somebody may have removed it, and then another
  /// process can hold "the" lock as well.
  package func isStillNamed(_ path: String) throws(HostError) -> Bool {
    var mine = stat()
    guard fstat(file.number, &mine) == 0 else {
      throw .system(what: "cannot look at the lock \(path)", errno: errno)
    }
    guard let named = try HostFile.status(path) else { return false }
    return named.st_dev == mine.st_dev && named.st_ino == mine.st_ino
  }

  /// Whether somebody holds it; asking never takes it, so nobody is ever turned away by a reader.
  package static func isHeld(_ path: String) throws(HostError) -> Bool {
    // Asking about a write lock needs a descriptor open for writing.
    let number = chost_open(path, O_RDWR | O_NOFOLLOW, 0)
    if number == -ENOENT { return false }
    guard number >= 0 else { throw .system(what: "cannot open \(path)", errno: -number) }
    let file = Descriptor(adopting: number)
    let result = chost_is_locked(file.number)
    guard result >= 0 else { throw .system(what: "cannot look at \(path)", errno: -result) }
    return result == 1
  }
}
