import Alerts
import Foundation
import LedgerKit
import LedgerStore
import Logging
import Model
import Testing

@Suite struct SinkTests {
  private func alert(_ key: String, message: String = "drift") -> OutboxAlert {
    OutboxAlert(
      key: key, at: WallTime(milliseconds: 1000), target: TargetID("web", "production"),
      severity: "warning", reason: "DriftDetected", message: message, details: ["n": 1])
  }

  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = NSTemporaryDirectory() + "viridian-alerts-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false)
    let result: Result<Void, any Error>
    do { result = .success(try await body(directory)) } catch { result = .failure(error) }
    try FileManager.default.removeItem(atPath: directory)
    try result.get()
  }

  private func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func `the webhook gets signed JSON`() async throws {
    let calls = Calls(answers: [204])
    let sink = WebhookSink(
      url: "https://hooks.example/T0/secret-path", secret: Array("key".utf8), send: calls.send)
    try await sink.deliver(alert("k"))
    let call = try #require(calls.all.first)
    let body = """
      {"at":"1970-01-01T00:00:01.000Z","details":{"n":1},"key":"k","message":"drift",\
      "reason":"DriftDetected","severity":"warning","target":"web@production"}
      """
    #expect(String(decoding: call.body, as: UTF8.self) == body)
    // openssl dgst -sha256 -hmac key over the body above.
    #expect(
      call.headers["X-Viridian-Signature"]
        == "sha256=7c8b5c3a7555ce13abfb0ad4995363cad97800af0078d32ebd6a935382d96b18")
    #expect(!sink.name.contains("secret-path"))
  }

  @Test func `a line break at the end of the key's file is not part of the key`() async throws {
    let calls = Calls(answers: [200])
    for key in ["key", "key\n", "key\n\n"] {
      let sink = WebhookSink(url: "http://x/", secret: Array(key.utf8), send: calls.send)
      try await sink.deliver(alert("k"))
    }
    let signatures = calls.all.map { $0.headers["X-Viridian-Signature"] }
    #expect(signatures[0] == signatures[1])
    #expect(signatures[0] != signatures[2])
  }

  @Test func `without a secret there is no signature`() async throws {
    let calls = Calls(answers: [200])
    try await WebhookSink(url: "http://x/", secret: nil, send: calls.send).deliver(alert("k"))
    #expect(calls.all.first?.headers["X-Viridian-Signature"] == nil)
  }

  @Test(arguments: [
    (301, false), (400, true), (401, false), (404, false), (413, true), (422, true), (429, false),
    (500, false), (503, false),
  ]) func `only a refused body is given up`(status: Int, isRejected: Bool) async throws {
    let sink = WebhookSink(url: "http://x/", secret: nil, send: Calls(answers: [status]).send)
    await #expect {
      try await sink.deliver(alert("k"))
    } throws: { error in
      if case AlertError.rejected = error { isRejected } else { !isRejected }
    }
  }

  @Test func `the file is private and has one JSON object a line`() async throws {
    try await withDirectory { directory in
      let path = directory + "/alerts.jsonl"
      let sink = FileSink(path: path)
      try await sink.deliver(alert("a", message: "two\nlines"))
      try await sink.deliver(alert("b"))
      #expect(try lines(path).count == 2)
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func `the file is rotated by size and old ones are forgotten`() async throws {
    try await withDirectory { directory in
      let path = directory + "/alerts.jsonl"
      let sink = FileSink(path: path, maximumBytes: 400, kept: 2)
      for number in 0..<20 { try await sink.deliver(alert("k\(number)")) }
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      #expect(names == ["alerts.jsonl", "alerts.jsonl.1", "alerts.jsonl.2"])
      for name in names {
        let size = try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name)).count
        #expect(size <= 400)
      }
      #expect(try lines(path).last?.contains("k19") == true)
      #expect(try lines(path + ".1").isEmpty == false)
    }
  }

  @Test func `half a line from a crash does not swallow the next alert`() async throws {
    try await withDirectory { directory in
      let path = directory + "/alerts.jsonl"
      try Data("{\"key\":\"hal".utf8).write(to: URL(fileURLWithPath: path))
      try await FileSink(path: path).deliver(alert("k"))
      #expect(try lines(path).count == 2)
      #expect(try lines(path).last?.hasPrefix("{\"at\"") == true)
    }
  }

  @Test func `a link or a pipe in place of the file is not written to`() async throws {
    try await withDirectory { directory in
      let path = directory + "/alerts.jsonl"
      try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: directory + "/elsewhere")
      await #expect(throws: AlertError.self) { try await FileSink(path: path).deliver(alert("k")) }
      #expect(!FileManager.default.fileExists(atPath: directory + "/elsewhere"))
      #expect(mkfifo(directory + "/pipe", 0o600) == 0)
      await #expect(throws: AlertError.self) {
        try await FileSink(path: directory + "/pipe").deliver(alert("k"))
      }
    }
  }

  @Test func `the outbox is emptied through failures, and again after a crash`() async throws {
    try await withDirectory { directory in
      let key = try #require(IdentityKey(bytes: Array(repeating: 1, count: 32)))
      let ledger = try LedgerStore.open(at: directory + "/ledger.db", key: key)
      try await ledger.commit(LedgerWrite(alerts: [alert("a"), alert("b")]))
      let calls = Calls(answers: [503, 503, 200, 200])
      let sink = WebhookSink(url: "http://x/", secret: nil, send: calls.send)
      let clock = ContinuousClock()
      let start = clock.now
      let told = Told()
      let delivery = AlertDelivery(
        sinks: [sink], ledger: ledger,
        now: {
          Now(
            bootID: "b", sinceBoot: .seconds(100) + (clock.now - start),
            wall: WallTime(milliseconds: 0))
        }, log: Logger(label: "test") { _ in told })
      let service = Task { await delivery.run() }
      let deadline = clock.now + .seconds(60)
      while try await !ledger.outbox(limit: 9).isEmpty, clock.now < deadline {
        try await Task.sleep(for: .milliseconds(10))
      }
      service.cancel()
      await service.value
      #expect(try await ledger.outbox(limit: 9).isEmpty)
      #expect(calls.all.count == 4)
      // Once when it begins to fail and once when it works again.
      #expect(
        told.lines == [
          "error: alerts cannot be delivered; they are kept and tried again "
            + "(webhook x answered with status 503)", "notice: alerts are delivered again ()",
        ])
      #expect(try await ledger.verify().reason == nil)
    }
  }
}

/// What the webhook was sent, and what it answers; 200 when no answers are left.
private final class Calls: @unchecked Sendable {  // The lock guards both lists.
  struct Call: Sendable {
    var headers: [String: String]
    var body: [UInt8]
  }

  private let lock = NSLock()
  private var calls: [Call] = []
  private var answers: [Int]

  init(answers: [Int]) { self.answers = answers }
  var all: [Call] { lock.withLock { calls } }
  var send: WebhookSink.Send {
    { _, headers, body in
      self.lock.withLock {
        self.calls.append(Call(headers: headers, body: body))
        return self.answers.isEmpty ? 200 : self.answers.removeFirst()
      }
    }
  }
}

/// What was logged: level, message and the error.
private final class Told: LogHandler, @unchecked Sendable {
  private let lock = NSLock()
  private var stored: [String] = []
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .trace

  var lines: [String] { lock.withLock { stored } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let error = event.metadata?["error"].map { "\($0)" } ?? ""
    lock.withLock { stored.append("\(event.level): \(event.message) (\(error))") }
  }
}
