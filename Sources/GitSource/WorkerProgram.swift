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
    /// Workers of it that have not ended.
    var workers = 0
    /// It makes no more, and ends with the last of them.
    var isRetired = false
  }

  private enum Answer {
    case made(pid_t)
    case refused
    /// Nothing was begun: it is gone.
    case gone
    /// Nobody knows whether it has begun.
    case silent
  }

  private let command: [String]
  private let parents = Mutex<[Parent]>([])
  /// How long a copy may take to be made, in milliseconds: it takes one or two.
  private static let patience: Int32 = 10_000

  /// `command`: the command line that calls `SourceWorker.main`.
  package init(_ command: [String]) { self.command = command }

  deinit {
    parents.withLock { parents in
      for parent in parents { Self.end(parent) }
    }
  }

  /// The processes that make workers; at rest there is at most one.
  package var parentIDs: [Int32] { parents.withLock { $0.map(\.pid) } }

  /// Runs one worker to its end, a child of this process.
  func run(_ process: ChildProcess) throws(SourceError) -> ChildProcess.Output {
    var parent: pid_t?
    defer { if let parent { ended(parent) } }
    let output = try process.run { descriptors throws(SourceError) in
      if let copy = try copy(descriptors) {
        parent = copy.parent
        return copy.pid
      }
      // Where copies cannot be made, each worker is started by itself.
      return try spawn(descriptors)
    }
    // Whatever ended it does not meet the same addresses again.
    if case .signalled = output.end, let parent { retire(parent) }
    return output
  }

  private func copy(
    _ descriptors: [Int32]
  ) throws(SourceError) -> (pid: pid_t, parent: pid_t)? {
    try parents.withLock { parents throws(SourceError) in
      // The one that is there may have ended since.
      for _ in 1...2 {
        if parents.last?.isRetired != false {
          guard let made = makeParent() else { return nil }
          parents.append(made)
        }
        guard let parent = parents.last else { return nil }
        switch Self.ask(parent, descriptors) {
        case .made(let pid):
          parents[parents.count - 1].workers += 1
          return (pid, parent.pid)
        case .refused: return nil
        case .gone: Self.end(parents.removeLast())
        case .silent:
          Self.end(parents.removeLast())
          throw .worker("the process that makes source workers does not answer")
        }
      }
      return nil
    }
  }

  private func ended(_ pid: pid_t) {
    parents.withLock { parents in
      guard let index = parents.firstIndex(where: { $0.pid == pid }) else { return }
      parents[index].workers -= 1
      Self.sweep(&parents)
    }
  }

  private func retire(_ pid: pid_t) {
    parents.withLock { parents in
      guard let index = parents.firstIndex(where: { $0.pid == pid }) else { return }
      parents[index].isRetired = true
    }
  }

  private static func sweep(_ parents: inout [Parent]) {
    for parent in parents where parent.isRetired && parent.workers == 0 { end(parent) }
    parents.removeAll { $0.isRetired && $0.workers == 0 }
  }

  private static func end(_ parent: Parent) {
    kill(parent.pid, SIGKILL)
    _ = ChildProcess.reap(parent.pid)
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

  private static func ask(_ parent: Parent, _ descriptors: [Int32]) -> Answer {
    let socket = parent.socket.number
    guard chost_send_descriptors(socket, descriptors, Int32(descriptors.count)) == 0 else {
      return .gone
    }
    var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    var pid: pid_t = -1
    let size = MemoryLayout.size(ofValue: pid)
    guard poll(&polled, 1, patience) > 0, read(socket, &pid, size) == size else { return .silent }
    return pid > 0 ? .made(pid) : .refused
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
