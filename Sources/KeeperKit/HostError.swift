import CHost
import Glibc

/// Why the host did not do what it was asked.
package enum HostError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A system call failed; `what` says on which file or process.
  case system(what: String, errno: Int32)
  /// A file of ours does not hold what it should.
  case malformed(path: String, reason: String)

  package var description: String {
    switch self {
    case .system(let what, let code): "\(what): \(String(cString: strerror(code)))"
    case .malformed(let path, let reason): "\(path): \(reason)"
    }
  }

  /// The error number of a failed system call; 0 for other errors.
  package var code: Int32 {
    switch self {
    case .system(_, let code): code
    case .malformed: 0
    }
  }
}
