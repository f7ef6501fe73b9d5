import Dispatch
import Glibc
import Model
import PlatformKit

/// Commands to HAProxy through the master's socket: the only one that reaches every worker. One
/// connection carries one command, each within a deadline.
struct MasterSocket: Sendable {
  let path: String
  var deadline: Duration = .seconds(5)

  /// Blocking calls get threads of their own, so that they never starve the others.
  private static let queue = DispatchQueue(
    label: "viridian.haproxy.socket", attributes: .concurrent)

  /// The answer to `command`, of the master itself or of worker `pid`.
  func ask(_ command: String, worker pid: Int? = nil) async throws(PlatformError) -> String {
    let text = (pid.map { "@!\($0) " } ?? "") + command + "\n"
    let (path, deadline) = (path, deadline)
    let result: Result<String, PlatformError> = await withCheckedContinuation { continuation in
      Self.queue.async {
        continuation.resume(
          returning: Result { () throws(PlatformError) in
            try Self.exchange(path, text, deadline)
          })
      }
    }
    return try result.get()
  }

  /// Does `command` and throws `.transient` unless HAProxy answers as it does on success.
  func perform(_ command: Command, worker pid: Int) async throws(PlatformError) {
    let reply = try await ask(command.text, worker: pid)
    guard command.isSuccess(reply) else {
      throw .transient(
        "HAProxy refused `\(command.text.prefix(200))`: \(reply.trimmedLine.prefix(300))")
    }
  }

  /// HAProxy is not there at all: nothing accepts on its socket.
  static func isRefused(_ error: PlatformError) -> Bool {
    if case .transient(let text) = error { return text.hasPrefix(refused) }
    return false
  }

  private static let refused = "HAProxy does not run"

  private static func exchange(
    _ path: String, _ text: String, _ limit: Duration
  ) throws(PlatformError) -> String {
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .transient("no socket: \(lastError())") }
    defer { close(descriptor) }
    guard connect(descriptor, path) else {
      throw .transient("\(refused): \(path): \(lastError())")
    }
    let end = ContinuousClock.now + limit
    try send(Array(text.utf8), descriptor, end)
    shutdown(descriptor, Int32(SHUT_WR))
    return String(decoding: try receive(descriptor, end), as: UTF8.self)
  }

  private static func connect(_ descriptor: Int32, _ path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  private static func send(
    _ bytes: [UInt8], _ descriptor: Int32, _ end: ContinuousClock.Instant
  ) throws(PlatformError) {
    var sent = 0
    while sent < bytes.count {
      try wait(descriptor, POLLOUT, end)
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno != EAGAIN, errno != EINTR {
        throw .transient("HAProxy closed its socket: \(lastError())")
      }
      sent += max(0, count)
    }
  }

  private static func receive(
    _ descriptor: Int32, _ end: ContinuousClock.Instant
  ) throws(PlatformError) -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      try wait(descriptor, POLLIN, end)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count == 0 { return answer }
      if count < 0, errno != EAGAIN, errno != EINTR {
        throw .transient("HAProxy closed its socket: \(lastError())")
      }
      answer += buffer.prefix(max(0, count))
      // Statistics of a thousand targets are some ten megabytes.
      guard answer.count < 256 << 20 else { throw .transient("HAProxy's answer has no end") }
    }
  }

  private static func wait(
    _ descriptor: Int32, _ events: Int32, _ end: ContinuousClock.Instant
  ) throws(PlatformError) {
    let left = (end - .now).wholeMilliseconds
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard left > 0, poll(&entry, 1, Int32(min(left, 60_000))) > 0 else {
      if left > 0, errno == EINTR { return }
      throw .transient("HAProxy did not answer in time")
    }
  }
}

/// One run-time command and how HAProxy answers when it did it.
struct Command: Hashable, Sendable {
  var text: String
  /// Beginnings of the answer; an empty answer is always a success.
  var answers: [String] = []

  func isSuccess(_ reply: String) -> Bool {
    let line = reply.trimmedLine
    return line.isEmpty || answers.contains { line.hasPrefix($0) }
  }
}

extension String {
  /// Without white space around it.
  /// Byte by byte: answers are long, and characters are dear to find.
  var trimmedLine: String {
    let isText: (UInt8) -> Bool = { $0 != UInt8(ascii: " ") && !(0x09...0x0D).contains($0) }
    guard let first = utf8.firstIndex(where: isText), let last = utf8.lastIndex(where: isText)
    else { return "" }
    return String(self[first...last])
  }
}

/// The text of `errno`.
func lastError() -> String { String(cString: strerror(errno)) }

/// Waits; a wait that is cancelled is told as a failure that passes.
func pause(_ duration: Duration) async throws(PlatformError) {
  do {
    try await Task.sleep(for: duration)
  } catch {
    throw .transient("cancelled")
  }
}
