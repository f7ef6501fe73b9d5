import Glibc
import KeeperKit

/// The log files of instances and tasks: size-bounded, written by the processes themselves.
///
/// A log is copied and then truncated in place, because its writer keeps the descriptor: no pipe
/// through the keeper could be lost with it or slow the application down. What is written between
/// the last look at the size and the truncation is lost, some microseconds' worth.
struct LogRotation {
  let layout: StackLayout
  /// One file and one predecessor of each instance; also what a log may grow by between two
  /// looks at it without losing anything.
  private static let instanceBytes = 10 << 20
  private static let keeperBytes = 1 << 20
  /// Of one task; people are shown the last 4 KiB, and the disk holds this of two hundred.
  private static let taskBytes = 1 << 20

  /// Appends, so that truncation moves the end for the writer too.
  func open(_ instance: Int) throws(HostError) -> Descriptor {
    try Descriptor(
      open: layout.log(instance), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o640)
  }

  func open(_ task: TaskLayout) throws(HostError) -> Descriptor {
    try Descriptor(
      open: task.log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o640)
  }

  func rotate(_ task: TaskLayout) { rotate(task.log, Self.taskBytes) }

  func rotate(_ instances: Range<Int>) {
    for instance in instances { rotate(layout.log(instance), Self.instanceBytes) }
    rotate(layout.keeperLog, Self.keeperBytes)
  }

  private func rotate(_ path: String, _ limit: Int) {
    do throws(HostError) {
      guard let status = try HostFile.status(path), status.st_mode & S_IFMT == S_IFREG,
        status.st_size > limit
      else { return }
      let log = try Descriptor(open: path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
      // Without the copy the log is truncated all the same: the disk stays.
      defer { ftruncate(log.number, 0) }
      try copy(log, from: max(0, Int(status.st_size) - 2 * limit), to: path)
    } catch {
      say("cannot keep the old part of \(path): \(error)")
    }
  }

  private func copy(_ log: Descriptor, from start: Int, to path: String) throws(HostError) {
    let temporary = "\(path).1.new"
    unlink(temporary)
    let old = try Descriptor(
      open: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o640)
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    var offset = start
    // Bounded, for a writer that is faster than the copy.
    let end = start + 4 * Self.instanceBytes
    while offset < end {
      let count = pread(log.number, &chunk, chunk.count, off_t(offset))
      guard count > 0 else { break }
      guard write(old.number, chunk, count) == count else {
        unlink(temporary)
        throw .system(what: "cannot write \(temporary)", errno: errno)
      }
      offset += count
    }
    guard rename(temporary, "\(path).1") == 0 else {
      throw .system(what: "cannot rename to \(path).1", errno: errno)
    }
  }
}
