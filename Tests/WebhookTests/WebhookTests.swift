import MetricHTTP
import Model
import PlatformKit
import Support
import Testing
import Transport
import WebhookMetrics

/// The provider against servers on loopback.
@Suite(.timeLimit(.minutes(1))) struct WebhookTests {
  private let values = [
    "application": "web", "digest": "sha256:0a", "environment": "production", "generation": "v002",
    "stack": "web-production-v002", "target": "web@production", "version": "2.0.0",
  ]

  private func provider(
    _ port: Int, timeout: Duration = .seconds(5),
    token: (@Sendable () throws(PlatformError) -> String)? = nil
  ) throws -> WebhookProvider {
    WebhookProvider(
      MetricEndpoint(
        url: "http://127.0.0.1:\(port)/hooks/smoke", http: try HTTPClient(connections: 2),
        timeout: timeout, token: token))
  }

  private func ask(
    _ provider: WebhookProvider, query: String? = nil, metadata: [String: String]? = nil
  ) async throws(PlatformError) -> MetricReading? {
    try await provider.reading(
      of: .init(name: "smoke", provider: "hook", query: query, metadata: metadata), with: values)
  }

  @Test func `it is asked as Flagger asks`() async throws {
    let heard = Heard()
    let server = try StubServer { heard.answer($0) }
    let reading = try await ask(provider(server.port), metadata: ["cmd": #"say "a/b""#])
    #expect(reading == MetricReading(1))
    let request = try #require(heard.requests.first)
    #expect(request.head.hasPrefix("POST /hooks/smoke HTTP/1.1\r\n"))
    #expect(request.head.contains("\r\nContent-Type: application/json\r\n"))
    #expect(!request.head.contains("Authorization"))
    #expect(
      request.body == #"{"checksum":"sha256:0a","metadata":{"cmd":"say \"a/b\"","#
        + #""generation":"v002","stack":"web-production-v002","target":"web@production","#
        + #""version":"2.0.0"},"name":"web","namespace":"production","phase":"Progressing"}"#)
  }

  @Test func `nothing that is declared stands for the candidate`() async throws {
    let heard = Heard()
    let server = try StubServer { heard.answer($0) }
    _ = try await ask(provider(server.port), metadata: ["stack": "another"])
    #expect(heard.requests.first?.body.contains(#""stack":"web-production-v002""#) == true)
  }

  @Test(
    arguments: [
      (200, "", 1, nil), (204, "", 1, nil), (299, "no such cart", 1, nil),
      (400, "", 0, "the webhook answered 400"),
      (403, "no such cart", 0, "the webhook answered 403, no such cart"),
      (500, " two\r\n\tlines\n", 0, "the webhook answered 500, two lines"),
    ] as [(Int, String, Double, String?)])
  func `its status decides`(
    _ status: Int, _ body: String, _ number: Double, _ words: String?
  ) async throws {
    let heard = Heard(status: status, body: body)
    let server = try StubServer { heard.answer($0) }
    #expect(try await ask(provider(server.port)) == MetricReading(number, words: words))
  }

  @Test func `of a long answer the beginning is told`() async throws {
    let heard = Heard(status: 500, body: String(repeating: "x", count: 1 << 19))
    let server = try StubServer { heard.answer($0) }
    let words = try await ask(provider(server.port))?.words
    #expect(words == "the webhook answered 500, " + String(repeating: "x", count: 300))
  }

  @Test func `a redirect is no answer, and leads nowhere`() async throws {
    let elsewhere = Heard()
    let other = try StubServer { elsewhere.answer($0) }
    for status in [301, 302, 307, 308] {
      let heard = Heard(
        status: status, headers: "Location: http://127.0.0.1:\(other.port)/\r\n")
      let server = try StubServer { heard.answer($0) }
      let error = await failure(try provider(server.port))
      guard case .rejected(.platform, _)? = error else {
        Issue.record("\(status): \(String(describing: error))")
        continue
      }
    }
    #expect(elsewhere.requests.isEmpty)
  }

  @Test(arguments: [
    (Silence.never, "timed out"), (.closed, "Empty reply"), (.cut, "bytes remaining"),
    (.nonsense, ""),
    (.endless, "larger than"), (.nobody, "connect"),
  ]) func `who cannot be asked says nothing of the candidate`(
    _ silence: Silence, _ words: String
  ) async throws {
    let server = try StubServer { silence.meet($0) }
    let port = silence == .nobody ? 1 : server.port
    let timeout: Duration = silence == .never ? .milliseconds(200) : .seconds(20)
    let error = await failure(try provider(port, timeout: timeout))
    guard case .transient(let text)? = error, words.isEmpty || text.contains(words) else {
      Issue.record("\(silence): \(String(describing: error))")
      return
    }
  }

  @Test func `the token is read for each question`() async throws {
    let heard = Heard()
    let server = try StubServer { heard.answer($0) }
    let tokens = Tokens(["one", "two"])
    let provider = try provider(server.port) { () throws(PlatformError) in try tokens.next() }
    _ = try await ask(provider)
    _ = try await ask(provider)
    let sent = heard.requests.map(\.head)
    #expect(sent.count == 2)
    #expect(sent.first?.contains("\r\nAuthorization: Bearer one\r\n") == true)
    #expect(sent.last?.contains("\r\nAuthorization: Bearer two\r\n") == true)
    #expect(await failure(provider) == .transient("no token"))
    #expect(heard.requests.count == 2)
  }

  @Test func `a query means nothing to a webhook`() async throws {
    let error = await failure(try provider(1), query: "up")
    guard case .rejected(.stack, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  private func failure(_ provider: WebhookProvider, query: String? = nil) async -> PlatformError? {
    do throws(PlatformError) {
      let reading = try await ask(provider, query: query)
      Issue.record("it gave \(String(describing: reading))")
      return nil
    } catch {
      return error
    }
  }
}

/// Servers that do not answer.
enum Silence: Sendable {
  case never, closed, cut, nonsense, endless, nobody

  func meet(_ connection: StubConnection) {
    _ = connection.readRequest()
    switch self {
    case .never: connection.waitForClose()
    case .closed, .nobody: break
    case .cut: connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall is")
    case .nonsense: connection.write("all is well\r\n")
    case .endless:
      connection.write("HTTP/1.1 200 OK\r\n\r\n")
      while connection.write([UInt8](repeating: 120, count: 1 << 16)) {}
    }
  }
}
