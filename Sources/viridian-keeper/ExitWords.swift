import CHost
import Glibc

/// How a child ended.
struct ExitWord: CustomStringConvertible {
  private let status: Int32
  init(_ status: Int32) { self.status = status }

  var isSuccess: Bool { chost_exited(status) != 0 && chost_exit_code(status) == 0 }

  /// `exit status 3`, `signal 9`.
  var description: String {
    chost_exited(status) != 0
      ? "exit status \(chost_exit_code(status))" : "signal \(chost_term_signal(status))"
  }
}

/// How children ended; adopted ones are nobody's children and leave no word.
struct ExitWords {
  private var words: [Int32: ExitWord] = [:]

  /// Reaps everything that has ended, also what instances left behind. `awaited`: who will be asked
  /// for; nobody else's word is kept, so that no crowd of grandchildren can push one out.
  mutating func reap(awaited: Set<Int32>) {
    words = words.filter { awaited.contains($0.key) }
    var status: Int32 = 0
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      guard pid > 0 else { return }
      if awaited.contains(pid) { words[pid] = ExitWord(status) }
    }
  }

  /// The word of a process that has ended, also when that was after the last reaping; nil when it
  /// is no child of this keeper.
  mutating func take(_ pid: Int32) -> ExitWord? {
    if let word = words.removeValue(forKey: pid) { return word }
    var status: Int32 = 0
    return waitpid(pid, &status, WNOHANG) == pid ? ExitWord(status) : nil
  }
}
