import Foundation
package import Model

/// What says that this process alone may write.
package protocol WriterLease: Sendable {
  /// Asked before each write.
  var isHeld: Bool { get }
}

/// The single-writer lease of one platform scope on one host: a `flock` that dies with its process.
///
/// The kernel drops it when the process ends, so there is no expiry and nothing to renew. The file's
/// inode is compared before each write, because a deleted and recreated file would let two in.
package final class Lease: WriterLease {
  private let descriptor: Int32
  private let path: String
  private let inode: UInt64
  /// Counts the holders of this file, up by one each time.
  package let epoch: Int

  private init(descriptor: Int32, path: String, inode: UInt64, epoch: Int) {
    self.descriptor = descriptor
    self.path = path
    self.inode = inode
    self.epoch = epoch
  }

  deinit { close(descriptor) }

  /// Takes the lease at once or throws `heldBy` with what the holder wrote about itself.
  package static func take(path: String, owner: OwnerID) throws(AgentError) -> Lease {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .startup("cannot open the lease file \(path): \(lastSystemError())")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      defer { close(descriptor) }
      throw .leaseHeld(path: path, by: content(of: descriptor))
    }
    guard let inode = inode(ofDescriptor: descriptor), inode == Lease.inode(atPath: path) else {
      close(descriptor)
      throw .leaseHeld(path: path, by: "somebody who replaced the file just now; try again")
    }
    let epoch = (epochNumber(in: content(of: descriptor)) ?? 0) + 1
    let line = "epoch \(epoch) owner \(owner) pid \(getpid()) since \(HostClock.wall())\n"
    ftruncate(descriptor, 0)
    let written = line.utf8CString.withUnsafeBytes {
      pwrite(descriptor, $0.baseAddress, $0.count - 1, 0)
    }
    guard written == line.utf8.count, fsync(descriptor) == 0 else {
      close(descriptor)
      throw .startup("cannot write the lease file \(path): \(lastSystemError())")
    }
    return Lease(descriptor: descriptor, path: path, inode: inode, epoch: epoch)
  }

  /// Still the file that others would lock; asked before each write.
  package var isHeld: Bool { Lease.inode(atPath: path) == inode }

  private static func epochNumber(in text: String) -> Int? {
    let words = text.split(separator: " ")
    return words.count > 1 && words[0] == "epoch" ? Int(words[1]) : nil
  }

  private static func content(of descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func inode(ofDescriptor descriptor: Int32) -> UInt64? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private static func inode(atPath path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }
}

/// The text of `errno`, read at once.
func lastSystemError() -> String { String(cString: strerror(errno)) }
