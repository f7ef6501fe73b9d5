import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

@Suite struct DrainTests {
  @Test(arguments: [TrafficPolicy.Mode.http, .tcp])
  func `a long session is cut at the deadline and counted`(
    _ mode: TrafficPolicy.Mode
  ) async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one", mode.rawValue), try Instance("two", mode.rawValue))
      let check = mode == .http ? "/healthz" : nil
      let first = backend(1, 100, [one], check: check)
      try await bench.apply(bench.route([first], fallback: 1, mode: mode))
      let session = try LongSession(bench.port, mode)
      #expect(session.name == "one")
      let second = backend(2, 100, [two], check: check)
      try await bench.apply(
        bench.route(
          [backend(1, 0, [one], check: check), second], fallback: 2, mode: mode))
      #expect(try await bench.observe().sessions[1] == 1)
      #expect(session.echoes("still there"))
      let without = bench.route([second], fallback: 2, mode: mode)
      try await bench.settle(without)
      #expect(!session.echoes("gone"))
      let seen = try await bench.observe()
      #expect(seen.route == without)
      #expect(seen.sessionsCut == [1: 1])
      #expect(try LongSession(bench.port, mode).name == "two")
    }
  }

  @Test func `a policy of waiting keeps the stack until its sessions end`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      var session: LongSession? = try LongSession(bench.port, .http)
      var route = bench.route([backend(2, 100, [two])], fallback: 2)
      route.afterDrain = .wait
      for _ in 0..<3 {
        do {
          try await bench.apply(route)
          Issue.record("the stack went with a session")
        } catch PlatformError.waiting(let text) {
          #expect(text.contains("1 sessions of v001"))
        }
        try await Task.sleep(for: .milliseconds(150))
      }
      #expect(try await bench.observe().route.split == [1: 0, 2: 100])
      #expect(session?.echoes("still there") == true)
      session = nil
      try await eventually { try await bench.observe().sessions[1] == 0 }
      try await bench.apply(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.observe().sessionsCut == [:])
    }
  }

  @Test func `sessions in a worker that a reload left behind are seen, and follow the split`()
    async throws
  {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let session = try LongSession(bench.port, .http)
      try await bench.router.apply(
        bench.route([], target: TargetID("other", "x"), port: try Ports.one()), ifRevision: nil)
      #expect(try bench.workers().count == 2)
      #expect(try await bench.observe().sessions[1] == 1)
      #expect(session.echoes("still there"))
      let route = bench.route([backend(2, 100, [two])], fallback: 2)
      try await bench.settle(route)
      #expect(!session.echoes("gone"))
      #expect(try await bench.observe().sessionsCut == [1: 1])
      #expect(try await bench.observe().findings == [])
    }
  }

  /// As a rolling rollout does it: the others of its stack go on serving.
  @Test(arguments: [false, true])
  func `an instance that leaves its stack has the drain's time`(
    _ isBehindReload: Bool
  ) async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one, two])], fallback: 1))
      let sessions = try (0..<2).map { _ in try LongSession(bench.port, .http) }
      let (stays, leaves) = try (
        #require(sessions.first { $0.name == "one" }), #require(sessions.first { $0.name == "two" })
      )
      if isBehindReload {
        try await bench.router.apply(
          bench.route([], target: TargetID("other", "x"), port: try Ports.one()), ifRevision: nil)
        #expect(try bench.workers().count == 2)
      }
      var without = bench.route([backend(1, 100, [one])], fallback: 1)
      without.drainDeadline = .seconds(600)
      await #expect(throws: PlatformError.self) { try await bench.apply(without) }
      // Nothing new comes to it, and it is not read to be gone: nobody may end it yet.
      let seen = try await bench.observe()
      #expect(seen.route != without || !seen.findings.isEmpty)
      #expect(leaves.echoes("still there"))
      for _ in 0..<6 { #expect(try LongSession(bench.port, .http).name == "one") }
      without.drainDeadline = .milliseconds(300)
      try await bench.settle(without)
      #expect(!leaves.echoes("gone"))
      #expect(stays.echoes("still there"))
      #expect(try await bench.observe().route == without)
      #expect(try await bench.observe().findings == [])
      #expect(try await bench.observe().sessionsCut == [1: 1])
    }
  }

  @Test func `an instance that leaves is waited for as long as it takes, and may come back`()
    async throws
  {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      let whole = bench.route([backend(1, 100, [one, two])], fallback: 1)
      try await bench.apply(whole)
      let sessions = try (0..<2).map { _ in try LongSession(bench.port, .http) }
      let leaves = try #require(sessions.first { $0.name == "two" })
      var without = bench.route([backend(1, 100, [one])], fallback: 1)
      without.afterDrain = .wait
      for _ in 0..<3 {
        await #expect(throws: PlatformError.self) { try await bench.apply(without) }
      }
      #expect(leaves.echoes("still there"))
      try await bench.settle(whole)
      #expect(leaves.echoes("still there"))
      #expect(try await bench.observe().route == whole)
      #expect(try await bench.observe().findings == [])
    }
  }

  @Test func `requests under way end although their stack leaves at once`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let slow = try Child([
        "/usr/bin/python3", "-c",
        """
        import urllib.request as r
        print("started", flush=True)
        print(r.urlopen("http://127.0.0.1:\(bench.port)/slow").read().decode())
        """,
      ])
      #expect(try slow.line() == "started")
      try await eventually { try await bench.observe().sessions[1] == 1 }
      var route = bench.route([backend(2, 100, [two])], fallback: 2)
      route.drainDeadline = .seconds(5)
      try await bench.settle(route)
      #expect(try slow.line() == "one")
      #expect(try await bench.observe().sessionsCut == [:])
    }
  }
}

/// A connection that stays: a websocket-like upgrade, or plain TCP.
final class LongSession {
  let name: String
  private let descriptor: Int32

  init(_ port: Int, _ mode: TrafficPolicy.Mode) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    if mode == .http {
      Self.send(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", descriptor)
    }
    var text = ""
    while !text.hasSuffix("one\n"), !text.hasSuffix("two\n") {
      let part = Self.receive(descriptor)
      try #require(!part.isEmpty, "no greeting: \(text)")
      text += part
    }
    name = String(text.dropLast().suffix(3))
  }

  deinit { close(descriptor) }

  func echoes(_ text: String) -> Bool {
    Self.send(text, descriptor)
    return Self.receive(descriptor) == text
  }

  private static func send(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private static func receive(_ descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}
