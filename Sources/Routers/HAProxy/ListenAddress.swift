import Glibc
import Model

/// The listeners of a target, by their keys in a declaration.
enum Listener: String, CaseIterable, Sendable {
  case listen
  /// Reaches one stack whatever the split says.
  case preview
}

/// `127.0.0.1:8080`, `[::1]:8080`, `*:80`: where a frontend listens.
struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// Without brackets; `*` for all IPv4 addresses.
  let host: String
  let port: Int

  init?(declaration: CanonicalValue, _ listener: Listener) {
    guard let text = declaration[listener.rawValue]?.string else { return nil }
    self.init(text)
  }

  init?(_ text: String) {
    guard text.utf8.count <= 64, let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard let port = Int(digits), (1...65535).contains(port), "\(port)" == digits else {
      return nil
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard isAddress(host, AF_INET6) else { return nil }
    } else if host != "*" {
      guard isAddress(host, AF_INET) else { return nil }
    }
    self.host = host
    self.port = port
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Where this host itself reaches it.
  var local: String {
    switch host {
    case "*", "0.0.0.0": "127.0.0.1:\(port)"
    case "::": "[::1]:\(port)"
    default: description
    }
  }

  /// The same address as HAProxy shows it in its statistics.
  var shown: String { host == "*" ? "0.0.0.0:\(port)" : description }
}

/// Whether `text` is a literal address of the family.
func isAddress(_ text: String, _ family: Int32) -> Bool {
  var bytes = in6_addr()
  return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") }
    && inet_pton(family, text, &bytes) == 1
}

/// Why nothing can be bound to the address now; nil when something can.
///
/// Asked before a reload, because HAProxy pauses its old listeners for a moment when a new one
/// cannot be bound.
func bindProblem(_ address: ListenAddress) -> String? {
  var hints = addrinfo()
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  var found: UnsafeMutablePointer<addrinfo>?
  let host = address.host == "*" ? "0.0.0.0" : address.host
  guard getaddrinfo(host, "\(address.port)", &hints, &found) == 0, let info = found else {
    return "not an address of this host"
  }
  defer { freeaddrinfo(found) }
  let descriptor = socket(
    info.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return String(cString: strerror(errno)) }
  defer { close(descriptor) }
  var yes: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
  guard bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0,
    listen(descriptor, 1) == 0
  else { return String(cString: strerror(errno)) }
  return nil
}
