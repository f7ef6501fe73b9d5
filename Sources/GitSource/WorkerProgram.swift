import CGit2
import CHost
import Glibc
import Synchronization

/// The program that answers for repositories, started in a way that costs little: a parent that has
/// loaded everything already makes a copy of itself for each request (decision 0028).
package final class WorkerProgram: Sendable {
  private struct Parent {
    let pid: pid_t
    let socket: Descriptor

    /// It does nothing but wait, so that nothing is lost with it.
    func end() {
      kill(pid, SIGKILL)
      _ = ChildProcess.reap(pid)
    }
  }

  private let command: [String]
  private let parent = Mutex<Parent?>(nil)
  /// How long a copy may take to be made, in milliseconds: it takes one or two.
  private static let patience: Int32 = 10_000

  /// `command`: the command line that calls `SourceWorker.main`.
  package init(_ command: [String]) { self.command = command }

  deinit {
    parent.withLock { $0?.end() }
  }

  /// Starts a worker, a child of this process; `descriptors` become its 0, 1 and 2.
  func start(_ descriptors: [Int32]) throws(SourceError) -> pid_t {
    if let pid = copy(descriptors) { return pid }
    // Where copies cannot be made, each worker is started by itself.
    return try spawn(descriptors)
  }

  private func copy(_ descriptors: [Int32]) -> pid_t? {
    parent.withLock { parent in
      // The one that is there may have ended since.
      for _ in 1...2 {
        if parent == nil { parent = makeParent() }
        guard let asked = parent else { return nil }
        if let pid = Self.ask(asked, descriptors) { return pid }
        asked.end()
        parent = nil
      }
      return nil
    }
  }

  private func makeParent() -> Parent? {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
    let (own, theirs) = (Descriptor(ends[0]), Descriptor(ends[1]))
    let null = Descriptor(open("/dev/null", O_RDWR | O_CLOEXEC))
    guard let pid = try? spawn([theirs.number, null.number, null.number]) else { return nil }
    return Parent(pid: pid, socket: own)
  }

  private static func ask(_ parent: Parent, _ descriptors: [Int32]) -> pid_t? {
    let socket = parent.socket.number
    guard chost_send_descriptors(socket, descriptors, Int32(descriptors.count)) == 0 else {
      return nil
    }
    var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    var pid: pid_t = -1
    guard poll(&polled, 1, patience) > 0,
      read(socket, &pid, MemoryLayout.size(ofValue: pid)) == MemoryLayout.size(ofValue: pid),
      pid > 0
    else { return nil }
    return pid
  }

  private func spawn(_ descriptors: [Int32]) throws(SourceError) -> pid_t {
    try ChildProcess.spawn(
      command,
      [
        "PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/nonexistent",
        "SWIFT_BACKTRACE=enable=no",
      ],
      ownSession: true, descriptors: descriptors)
  }
}
