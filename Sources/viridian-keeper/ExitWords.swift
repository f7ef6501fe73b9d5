import CHost
import Glibc

/// How children ended, for people; adopted ones are nobody's children and leave no word.
struct ExitWords {
  private var words: [Int32: String] = [:]

  /// Reaps everything that has ended, also what instances left behind.
  mutating func reap() {
    var status: Int32 = 0
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      guard pid > 0 else { return }
      words[pid] =
        chost_exited(status) != 0
        ? "exit status \(chost_exit_code(status))" : "signal \(chost_term_signal(status))"
      // Grandchildren are never asked for: without a bound their words would pile up.
      if words.count > 1000 { words = words.filter { $0.key == pid } }
    }
  }

  mutating func removeValue(_ pid: Int32) -> String? { words.removeValue(forKey: pid) }
}
