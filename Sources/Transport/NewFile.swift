import Glibc

/// A file that exists under its name only when it is whole and on disk.
final class NewFile: Sendable {
  private let path: String
  private let partial: String
  private let descriptor: Int32

  init(path: String) throws(TransportError) {
    self.path = path
    partial = path + ".partial"
    var status = stat()
    guard lstat(path, &status) != 0 else { throw .file("\(path) exists already") }
    // A partial file that a crash left behind is ours to replace.
    unlink(partial)
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .file("\(partial): \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .file("\(partial): \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  func finish() throws(TransportError) {
    guard fsync(descriptor) == 0, rename(partial, path) == 0 else {
      throw .file("\(path): \(String(cString: strerror(errno)))")
    }
  }

  func discard() { unlink(partial) }
}
