import Glibc
import KeeperKit
import PlatformKit

/// What agents that were killed left between two renames; none of it is a stack.
struct Leftovers: Sendable {
  let site: Site

  func remove() throws(PlatformError) {
    try onHost { () throws(HostError) in
      for name in try HostDirectory.list(site.stacks) where Self.isLeftover(name) {
        try HostDirectory.remove("\(site.stacks)/\(name)")
      }
    }
  }

  /// Removed stacks always; those being made only when their maker is gone.
  private static func isLeftover(_ name: String) -> Bool {
    if name.hasPrefix(".trash-") { return true }
    guard name.hasPrefix(".incoming-"), let text = name.split(separator: "-").last else {
      return false
    }
    guard let maker = Int32(text) else { return true }
    return maker != getpid() && kill(maker, 0) != 0 && errno == ESRCH
  }
}
