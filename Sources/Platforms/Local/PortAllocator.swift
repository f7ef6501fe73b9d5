import Glibc
import KeeperKit
import Model
import PlatformKit

/// Chooses the ports of a new stack.
struct PortAllocator: Sendable {
  let site: Site
  let files: StackFiles

  /// `count` ports that no stack has, parked ones included, and that nothing listens on.
  ///
  /// The search starts at a place that the launch gives, so that a port just freed is not taken
  /// at once: what still points to it must find nobody, not somebody else.
  func choose(_ count: Int, launch: String) throws(PlatformError) -> [Int] {
    let taken = try taken()
    var chosen: [Int] = []
    for port in candidates(launch) where chosen.count < count {
      if !taken.contains(port), Self.isFree(port) { chosen.append(port) }
    }
    guard chosen.count == count else {
      throw .rejected(
        fault: .platform,
        "ports: \(count) needed, \(chosen.count) free in \(site.settings.ports)")
    }
    return chosen
  }

  /// How many of the range are free, counted up to `limit`.
  func free(limit: Int) throws(PlatformError) -> Int {
    let taken = try taken()
    var count = 0
    for port in site.settings.ports where count < limit {
      if !taken.contains(port), Self.isFree(port) { count += 1 }
    }
    return count
  }

  private func candidates(_ launch: String) -> [Int] {
    let range = site.settings.ports
    let start = Int(Digest.of(launch).hex.prefix(7), radix: 16) ?? 0
    return (0..<range.count).map { range.lowerBound + (start + $0) % range.count }
  }

  private func taken() throws(PlatformError) -> Set<Int> {
    var taken: Set<Int> = []
    for name in try files.names() {
      do throws(HostError) {
        taken.formUnion(try files.plan(name)?.ports ?? [])
      } catch .malformed {
        // Its ports are not known; the bind test finds those that are used.
        continue
      } catch {
        throw .transient("\(error)")
      }
    }
    return taken
  }

  /// Binds for a moment, as the keeper does before each start.
  static func isFree(_ port: Int) -> Bool {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard file >= 0 else { return false }
    defer { close(file) }
    // As servers do: connections that linger do not make a port taken.
    var yes: Int32 = 1
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = INADDR_ANY
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
