import Glibc
import KeeperKit

/// Finds a command as a shell would, without one.
enum Executable {
  /// A name without a slash is looked for in PATH; others are taken as they are.
  static func path(
    _ command: String, _ environment: [String: String]
  ) throws(HostError) -> String {
    guard !command.contains("/") else { return command }
    for directory in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(directory)/\(command)"
      if access(path, X_OK) == 0 { return path }
    }
    throw .system(what: "cannot find \(command) in PATH", errno: ENOENT)
  }
}

/// Whether a port can be bound now.
enum PortProbe {
  static func isFree(_ port: Int) -> Bool {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard number >= 0 else { return false }
    defer { close(number) }
    var one: Int32 = 1
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
