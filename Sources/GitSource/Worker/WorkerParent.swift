import CHost
import Glibc

/// The process that makes workers: it has loaded what every worker needs, reads nothing but requests
/// for a copy of itself, and has one thread. Each copy is a child of the agent like any other.
///
/// A message on its socket brings what becomes a worker's input, output and errors; the answer is the
/// worker's number, or a negative errno. At the end of the socket the agent is dead: all workers end.
enum WorkerParent {
  /// Standard input is a socket only for it.
  static var isWanted: Bool {
    var status = stat()
    return fstat(0, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  /// Returns in a copy, with the result of `work`, and at the end of the socket.
  static func serve(_ work: () -> Int32) -> Int32 {
    // An agent that dies while it is answered must not end this one before the workers.
    signal(SIGPIPE, SIG_IGN)
    SourceWorker.warmUp()
    var living: [Int32] = []
    while true {
      var polled = ([0] + living).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
      for ended in polled.dropFirst() where ended.revents != 0 {
        close(ended.fd)
        living.removeAll { $0 == ended.fd }
      }
      guard polled[0].revents != 0 else { continue }
      var ends: [Int32] = [-1, -1, -1]
      let received = chost_receive_descriptors(0, &ends, 3)
      guard received > 0 || received == -EPROTO else {
        for worker in living { chost_pidfd_signal(worker, SIGKILL) }
        return 0
      }
      var handle: Int32 = -1
      let copy = received > 0 ? chost_fork_sibling(&handle) : received
      if copy == 0 {
        become(ends)
        return work()
      }
      for end in ends where end >= 0 { close(end) }
      if copy > 0 { living.append(handle) }
      var answer = copy
      _ = write(0, &answer, MemoryLayout.size(ofValue: answer))
    }
  }

  private static func become(_ ends: [Int32]) {
    setsid()
    for (number, end) in ends.enumerated() { dup2(end, Int32(number)) }
    chost_close_from(3)
  }
}
