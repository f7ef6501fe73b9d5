import Support
import Synchronization
import Testing
import Transport

@Suite struct HTTPClientTests {
  private let client: HTTPClient

  init() throws { client = try HTTPClient() }

  private func request(_ server: StubServer, _ method: String = "GET") -> HTTPRequest {
    var request = HTTPRequest(method, url: "http://127.0.0.1:\(server.port)/path?secret=1")
    request.allowedSchemes = [.http]
    return request
  }

  @Test func `a body is sent as it is and the answer comes back whole`() async throws {
    let server = try StubServer { connection in
      guard let head = connection.readHead() else { return }
      let body = String(decoding: connection.read(5), as: UTF8.self)
      connection.answer(201, head.prefix { $0 != " " } + body, headers: "X-One: a\r\n")
    }
    var request = request(server, "PUT")
    request.body = Array("hello".utf8)
    let response = try await client.send(request)
    #expect(response.status == 201)
    #expect(String(decoding: response.body, as: UTF8.self) == "PUThello")
    #expect(response.header("x-one") == "a")
  }

  @Test func `an empty body is not read from standard input`() async throws {
    let server = try StubServer { connection in
      guard let head = connection.readHead() else { return }
      connection.answer(200, head.contains("Content-Length: 0") ? "empty" : head)
    }
    var request = request(server, "POST")
    request.body = []
    #expect(try await client.send(request).body == Array("empty".utf8))
  }

  @Test func `a redirect is an answer, never followed by default`() async throws {
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.answer(302, "", headers: "Location: http://127.0.0.1:1/\r\n")
    }
    let response = try await client.send(request(server))
    #expect(response.status == 302)
    #expect(response.header("Location") == "http://127.0.0.1:1/")
  }

  @Test func `plain http is refused unless it was asked for`() async throws {
    let server = try StubServer { $0.answer(200, "") }
    var request = request(server)
    request.allowedSchemes = [.https]
    await #expect { try await client.send(request) } throws: { error in
      if case TransportError.refused = error { true } else { false }
    }
  }

  @Test func `addresses that are not public are refused where the URL is not ours`() async throws {
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.answer(200, "secret")
    }
    for host in ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"] {
      var request = HTTPRequest(url: "http://\(host):\(server.port)/")
      request.allowedSchemes = [.http]
      request.addresses = .publicOnly
      await #expect("\(host)") { try await client.send(request) } throws: { error in
        if case TransportError.refused = error { true } else { false }
      }
    }
  }

  @Test(
    arguments: [
      ([127, 0, 0, 1], false), ([169, 254, 169, 254], false), ([10, 1, 2, 3], false),
      ([100, 64, 0, 1], false), ([172, 31, 0, 1], false), ([172, 32, 0, 1], true),
      ([192, 168, 0, 1], false), ([224, 0, 0, 1], false), ([0, 0, 0, 0], false),
      ([93, 184, 216, 34], true),
    ] as [([UInt8], Bool)])
  func `an IPv4 address is public or it is not`(bytes: [UInt8], expected: Bool) {
    #expect(isPublic(v4: bytes) == expected)
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes
    #expect(isPublic(v6: mapped) == expected)
  }

  @Test func `a server that says nothing ends at the deadline`() async throws {
    let server = try StubServer { $0.waitForClose() }
    var request = request(server)
    request.limits.total = .milliseconds(200)
    let start = ContinuousClock.now
    await #expect { try await client.send(request) } throws: { error in
      if case TransportError.timedOut = error { true } else { false }
    }
    // Far below every other limit; a busy machine needs a while to get here.
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func `a server that stalls in the middle ends at the idle deadline`() async throws {
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
      connection.waitForClose()
    }
    var request = request(server)
    request.limits.total = nil
    request.limits.idle = .seconds(1)
    await #expect { try await client.send(request) } throws: { error in
      if case TransportError.timedOut = error { true } else { false }
    }
  }

  @Test func `an answer larger than allowed ends the transfer`() async throws {
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\n\r\n")
      while connection.write([UInt8](repeating: 65, count: 1 << 16)) {}
    }
    var request = request(server)
    request.limits.bodyBytes = 1 << 20
    await #expect { try await client.send(request) } throws: { error in
      if case TransportError.tooLarge = error { true } else { false }
    }
  }

  @Test func `headers without end are refused`() async throws {
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\n")
      while connection.write("X: \(String(repeating: "y", count: 1000))\r\n") {}
    }
    await #expect { try await client.send(request(server)) } throws: { error in
      if case TransportError.tooLarge = error { true } else { false }
    }
  }

  @Test func `an error shows neither path nor query of the URL`() async throws {
    var request = HTTPRequest(url: "http://user:password@127.0.0.1:1/token?secret=1")
    request.allowedSchemes = [.http]
    await #expect { try await client.send(request) } throws: { error in
      let text = "\(error)"
      return text.contains("127.0.0.1:1") && !text.contains("secret") && !text.contains("password")
        && !text.contains("token")
    }
  }

  @Test func `a header cannot smuggle a line`() async throws {
    let server = try StubServer { $0.answer(200, "") }
    var request = request(server)
    request.headers = [HTTPHeader("X", "a\r\nEvil: b")]
    await #expect { try await client.send(request) } throws: { error in
      if case TransportError.refused = error { true } else { false }
    }
  }

  @Test func `cancelling the task ends the transfer at once`() async throws {
    let peer = try SilentPeer()
    let request = request(peer.server)
    let client = client
    let task = Task { try await client.send(request) }
    try await peer.until(asked: 1)
    task.cancel()
    await #expect(throws: TransportError.cancelled) { try await task.value }
    // The connection is closed too: the server's wait ends.
    try await peer.until(left: 1)
  }

  @Test func `a task that is cancelled before it starts sends nothing`() async throws {
    let client = client
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await client.send(HTTPRequest(url: "https://127.0.0.1:1/"))
    }
    await #expect(throws: TransportError.cancelled) { try await task.value }
  }

  @Test func `transfers under way end when the client goes`() async throws {
    let peer = try SilentPeer()
    var client: HTTPClient? = try HTTPClient()
    let request = request(peer.server)
    let task = Task { [client] in try await client?.send(request) }
    client = nil
    try await peer.until(asked: 1)
    task.cancel()
    await #expect(throws: TransportError.cancelled) { try await task.value }
    try await peer.until(left: 1)
  }

  /// A thread that goes on to accept at a number that another server has by now once stole
  /// connections, and a run of the tests waited for ever.
  @Test func `a stub that is gone takes no connection of the next one`() async throws {
    for _ in 0..<200 {
      for _ in 0..<8 { _ = try StubServer { $0.answer(500, "gone") } }
      let server = try StubServer { connection in
        _ = connection.readHead()
        connection.answer(200, "here")
      }
      let answers = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 { group.addTask { try await client.send(request(server)).status } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers == [200, 200, 200, 200])
    }
  }

  @Test func `many small requests run side by side`() async throws {
    let server = try StubServer { connection in
      while connection.readHead() != nil { connection.answer(200, "ok") }
    }
    let request = request(server)
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<300 { group.addTask { try await client.send(request).status } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.count == 300 && statuses.allSatisfy { $0 == 200 })
  }

  @Test func `a Unix socket serves like any host`() async throws {
    let directory = try TemporaryDirectory()
    let server = try StubServer(unixPath: directory.path("socket")) { connection in
      _ = connection.readHead()
      connection.answer(200, "unix")
    }
    var request = HTTPRequest(url: "http://agent/status")
    request.allowedSchemes = [.http]
    request.unixSocket = directory.path("socket")
    #expect(try await client.send(request).body == Array("unix".utf8))
    server.stop()
  }

  @Test func `a download is whole under its name or not there at all`() async throws {
    let directory = try TemporaryDirectory()
    let body = String(repeating: "0123456789", count: 100_000)
    let server = try StubServer { connection in
      guard let head = connection.readHead() else { return }
      if head.contains("/cut") {
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
      } else {
        connection.answer(head.contains("/missing") ? 404 : 200, body)
      }
    }
    var request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/whole")
    request.allowedSchemes = [.http]
    let seen = Counter()
    _ = try await client.download(request, to: directory.path("whole")) { seen.add($0.count) }
    #expect(try readFile(directory.path("whole")) == Array(body.utf8))
    #expect(seen.value == body.utf8.count)
    for name in ["cut", "missing"] {
      request.url = "http://127.0.0.1:\(server.port)/\(name)"
      _ = try? await client.download(request, to: directory.path(name))
      #expect(throws: SupportError.self) { try readFile(directory.path(name)) }
      #expect(throws: SupportError.self) { try readFile(directory.path("\(name).partial")) }
    }
  }

  @Test func `a pulled body arrives in order however slowly it is pulled`() throws {
    let body = String(repeating: "abcdefghij", count: 500_000)
    let server = try StubServer { connection in
      _ = connection.readHead()
      connection.answer(200, body)
    }
    let transfer = try PullTransfer(request(server))
    #expect(try transfer.head().status == 200)
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 70_001)
    while case let count = try part.withUnsafeMutableBytes({ try transfer.read(into: $0) }),
      count > 0
    {
      bytes += part[..<count]
    }
    #expect(bytes == Array(body.utf8))
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func add(_ more: Int) { count.add(more, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}

/// Reads a request, says nothing, and notes when its client goes.
private final class SilentPeer: Sendable {
  private struct Seen {
    var asked = 0
    var left = 0
  }

  let server: StubServer
  private let seen: Shared

  private final class Shared: Sendable {
    let counts = Mutex(Seen())
  }

  init() throws {
    let seen = Shared()
    self.seen = seen
    server = try StubServer { connection in
      _ = connection.readHead()
      seen.counts.withLock { $0.asked += 1 }
      connection.waitForClose()
      seen.counts.withLock { $0.left += 1 }
    }
  }

  func until(asked: Int = 0, left: Int = 0) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while !seen.counts.withLock({ $0.asked >= asked && $0.left >= left }) {
      guard ContinuousClock.now < end else {
        throw SupportError("not within 60 s: \(asked) requests, \(left) clients gone")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
