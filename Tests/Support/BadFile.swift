import Glibc

/// A file that the disk does not give any more: what is mounted over it fails every read with EIO.
/// Needs the right to mount.
package struct BadFile {
  private let path: String

  package init(_ path: String) throws {
    // The memory of a process begins with a page that nobody has.
    try Tool.run(["mount", "--bind", "/proc/\(getpid())/mem", path])
    self.path = path
  }

  /// The disk gives it again.
  package func heal() { umount2(path, Int32(MNT_DETACH)) }
}
