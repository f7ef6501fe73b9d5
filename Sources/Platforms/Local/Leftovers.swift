import Glibc
import KeeperKit
import PlatformKit

/// What agents that were killed left between two renames; none of it is a stack.
struct Leftovers: Sendable {
  let site: Site

  func remove() throws(PlatformError) {
    try onHost { () throws(HostError) in
      for name in try HostDirectory.list(site.stacks) {
        let path = "\(site.stacks)/\(name)"
        if try Self.isLeftover(name, path) { try HostDirectory.remove(path) }
      }
    }
  }

  /// Making one takes milliseconds: after this time its maker is dead.
  private static let abandonedSeconds = 3600

  /// Removed stacks always; those being made only when nobody can be at it any more.
  private static func isLeftover(_ name: String, _ path: String) throws(HostError) -> Bool {
    if name.hasPrefix(".trash-") { return true }
    guard name.hasPrefix(".incoming-"), let status = try HostFile.status(path) else {
      return false
    }
    return time(nil) - status.st_mtim.tv_sec > abandonedSeconds
  }
}
