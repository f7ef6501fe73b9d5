import CHost
import Glibc
import KeeperKit

/// Sleeps until a file of the stack's directory changes, a task is ordered, a process ends, or time
/// is up.
///
/// A host gives each user few inotify instances, 128 unless told otherwise, and each keeper wants
/// one: who gets none sees changes when time is up, which is within a second.
struct Watch {
  private let directory: Descriptor?

  init(_ layout: StackLayout) {
    do throws(HostError) {
      directory = try Self.descriptor([layout.directory, layout.tasks])
    } catch {
      directory = nil
      say("\(error); it is looked at once a second")
    }
  }

  private static func descriptor(_ paths: [String]) throws(HostError) -> Descriptor {
    let number = inotify_init1(Int32(O_CLOEXEC | O_NONBLOCK))
    guard number >= 0 else {
      let limit = errno == EMFILE ? " (fs.inotify.max_user_instances)" : ""
      throw .system(what: "cannot watch \(paths[0])\(limit)", errno: errno)
    }
    let descriptor = Descriptor(adopting: number)
    let events = UInt32(0x80 | 0x8)  // IN_MOVED_TO | IN_CLOSE_WRITE: files are renamed into place
    for path in paths {
      guard inotify_add_watch(number, path, events) >= 0 else {
        throw .system(what: "cannot watch \(path)", errno: errno)
      }
    }
    return descriptor
  }

  func wait(processes: [Int32], milliseconds: Int) {
    let pidfds = processes.map { chost_pidfd_open($0) }.filter { $0 >= 0 }
    defer { for number in pidfds { close(number) } }
    // A negative descriptor is left out by poll.
    var polls = ([directory?.number ?? -1] + pidfds).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&polls, nfds_t(polls.count), Int32(milliseconds))
    guard let directory else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while read(directory.number, &buffer, buffer.count) > 0 {}
  }
}
