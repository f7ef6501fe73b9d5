import Foundation
package import LedgerKit
import Model

/// Appends alerts to a file of JSON lines, mode 0600, which is rotated by size.
package actor FileSink: AlertSink {
  private let path: String
  private let maximumBytes: Int
  private let kept: Int

  /// `maximumBytes`: when a line would not fit, the file becomes `<path>.1`, that `<path>.2`, and
  /// so on; `kept` of them are kept. The default holds some 50,000 alerts in 40 MB.
  package init(path: String, maximumBytes: Int = 10_000_000, kept: Int = 3) {
    self.path = path
    self.maximumBytes = max(1, maximumBytes)
    self.kept = max(1, kept)
  }

  package nonisolated var name: String { "file \(path)" }

  package func deliver(_ alert: OutboxAlert) async throws(AlertError) {
    let line = Array(alert.form.json.utf8) + [UInt8(ascii: "\n")]
    var descriptor = try open()
    defer { close(descriptor) }
    let size = try size(descriptor)
    if size > 0, size + line.count > maximumBytes {
      try rotate()
      let fresh = try open()
      close(descriptor)
      descriptor = fresh
    } else if try !endsWithNewline(descriptor, size) {
      // A crash left half a line: the alert it belongs to comes again as a whole line.
      try write([UInt8(ascii: "\n")], to: descriptor)
    }
    try write(line, to: descriptor)
    guard fsync(descriptor) == 0 else { throw failure("write to disk") }
  }

  private func open() throws(AlertError) -> Int32 {
    let flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    let descriptor = Glibc.open(path, flags, 0o600)
    guard descriptor >= 0 else { throw failure("open") }
    return descriptor
  }

  private func size(_ descriptor: Int32) throws(AlertError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .transient("\(name): it is not a regular file")
    }
    return Int(status.st_size)
  }

  private func endsWithNewline(_ descriptor: Int32, _ size: Int) throws(AlertError) -> Bool {
    guard size > 0 else { return true }
    var last: UInt8 = 0
    guard pread(descriptor, &last, 1, off_t(size - 1)) == 1 else { throw failure("read") }
    return last == UInt8(ascii: "\n")
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) throws(AlertError) {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write") }
      written += count
    }
  }

  private func rotate() throws(AlertError) {
    for index in stride(from: kept, to: 0, by: -1) {
      let older = index == 1 ? path : "\(path).\(index - 1)"
      guard rename(older, "\(path).\(index)") == 0 || errno == ENOENT else {
        throw failure("rotate")
      }
    }
  }

  private func failure(_ doing: String) -> AlertError {
    .transient("\(name): cannot \(doing) it: \(String(cString: strerror(errno)))")
  }
}
