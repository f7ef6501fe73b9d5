import CHost
import Glibc
import KeeperKit

/// Sleeps until a file of the stack's directory changes, a process ends, or time is up.
struct Watch {
  private let directory: Descriptor

  init(directory path: String) throws(HostError) {
    let number = inotify_init1(Int32(O_CLOEXEC | O_NONBLOCK))
    guard number >= 0 else { throw .system(what: "cannot watch \(path)", errno: errno) }
    directory = Descriptor(adopting: number)
    let events = UInt32(0x80 | 0x8)  // IN_MOVED_TO | IN_CLOSE_WRITE: files are renamed into place
    guard inotify_add_watch(number, path, events) >= 0 else {
      throw .system(what: "cannot watch \(path)", errno: errno)
    }
  }

  func wait(processes: [Int32], milliseconds: Int) {
    let pidfds = processes.map { chost_pidfd_open($0) }.filter { $0 >= 0 }
    defer { for number in pidfds { close(number) } }
    var polls = ([directory.number] + pidfds).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&polls, nfds_t(polls.count), Int32(milliseconds))
    var buffer = [UInt8](repeating: 0, count: 4096)
    while read(directory.number, &buffer, buffer.count) > 0 {}
  }
}
