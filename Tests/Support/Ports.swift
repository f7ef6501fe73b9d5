import Glibc
import Synchronization

/// Ports on 127.0.0.1 that tests give away before anything listens there.
///
/// They lie below the ephemeral range: while nobody listens, no outgoing connection takes them. Each
/// is given away once, and the first is drawn, so that several runs side by side seldom meet.
package final class Ports: Sendable {
  package static let blocks = Ports(10_000..<28_000, size: 100)
  private static let single = Ports(28_000..<32_000, size: 1)

  /// How many ports each answer of `next` stands for.
  package let size: Int
  private let range: Range<Int>
  private let given: Mutex<Int>

  private init(_ range: Range<Int>, size: Int) {
    self.range = range
    self.size = size
    given = Mutex(Int.random(in: 0..<range.count / size))
  }

  /// A port at which nobody listens now.
  package static func one() throws -> Int { try single.next() }

  /// The first of `size` ports at which nobody listens now.
  package func next() throws -> Int {
    let count = range.count / size
    for _ in 0..<count {
      let number = given.withLock { number in
        number += 1
        return number % count
      }
      let first = range.lowerBound + number * size
      if (first..<first + size).allSatisfy(Self.canBind) { return first }
    }
    throw SupportError("no free ports in \(range)")
  }

  private static func canBind(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
