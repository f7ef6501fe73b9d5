import Glibc

/// A TCP or Unix socket server whose every connection is handled by a closure on a thread of its
/// own: for peers that stall, lie or talk nonsense.
package final class StubServer: Sendable {
  package let port: Int
  private let listener: Listener

  /// The number is given back when neither the server nor its thread uses it: a thread that accepts
  /// at a number that was given back takes the connections of whoever has it next.
  private final class Listener: Sendable {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  /// Listens on 127.0.0.1 at a free port, or on `unixPath`.
  package init(
    unixPath: String? = nil, _ handle: @escaping @Sendable (StubConnection) -> Void
  ) throws {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(unixPath == nil ? AF_INET : AF_UNIX, kind, 0)
    let listener = Listener(descriptor)
    let bound = unixPath.map { Self.bind(descriptor, unix: $0) } ?? Self.bindLoopback(descriptor)
    guard bound == 0, listen(descriptor, 512) == 0 else {
      throw SupportError("cannot listen: \(String(cString: strerror(errno)))")
    }
    port = unixPath == nil ? Self.port(of: descriptor) : 0
    self.listener = listener
    try startThread {
      while case let accepted = accept(listener.descriptor, nil, nil),
        accepted >= 0
      {
        let connection = StubConnection(descriptor: accepted)
        try? startThread { handle(connection) }
      }
    }
  }

  package func stop() {
    shutdown(listener.descriptor, Int32(SHUT_RDWR))
  }

  deinit { stop() }

  private static func bindLoopback(_ descriptor: Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func bind(_ descriptor: Int32, unix path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func port(of descriptor: Int32) -> Int {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &size)
      }
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// One accepted connection; closed when the last reference goes.
package final class StubConnection: Sendable {
  private let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// Reads up to the end of an HTTP head; nil when the peer has gone.
  package func readHead() -> String? {
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while !text.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard Glibc.read(descriptor, &byte, 1) == 1, text.count < 1 << 16 else { return nil }
      text.append(byte)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads exactly `count` bytes, or fewer when the peer has gone.
  package func read(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var got = 0
    while got < count {
      let more = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress.map { $0 + got }, count - got)
      }
      guard more > 0 else { break }
      got += more
    }
    return Array(bytes[..<got])
  }

  /// `false` when the peer has gone.
  @discardableResult
  package func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  @discardableResult
  package func write(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let more = bytes.withUnsafeBytes {
        send(
          descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      guard more > 0 else { return false }
      sent += more
    }
    return true
  }

  /// A whole answer with the right length.
  package func answer(_ status: Int, _ body: String, headers: String = "") {
    write("HTTP/1.1 \(status) x\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
  }

  /// Says nothing until the peer goes away.
  package func waitForClose() {
    var byte: UInt8 = 0
    while Glibc.read(descriptor, &byte, 1) > 0 {}
  }
}

/// What went wrong in a test helper.
package struct SupportError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// Runs the closure on a thread of its own, which may block.
package func startThread(_ body: @escaping @Sendable () -> Void) throws {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Box(body))
  let code = pthread_create(
    &thread, nil,
    { context in
      guard let context else { return nil }
      Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
      return nil
    }, context.toOpaque())
  guard code == 0 else {
    context.release()
    throw SupportError("no thread")
  }
  pthread_detach(thread)
}
