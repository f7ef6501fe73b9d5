import Foundation
import LedgerKit
import Model
import Transport
import Web

/// Talks to the running agent over its Unix socket.
struct AgentClient {
  let socket: String
  private let http: HTTPClient

  init(socket: String) throws {
    self.socket = socket
    http = try HTTPClient(connections: 1)
  }

  func status() async throws -> AgentStatus { try await get("/v1/agent") }

  func targets() async throws -> [TargetStatus] { try await get("/v1/targets") }

  /// Newest first.
  func history(_ query: HistoryQuery) async throws -> [LedgerEntry] {
    var path = "/v1/history?limit=\(query.limit)&after=\(query.after)"
    if let target = query.target { path += "&target=\(target)" }
    for kind in query.kinds { path += "&kind=\(kind.rawValue)" }
    let page: HistoryPage = try await get(path)
    return page.entries
  }

  func verify() async throws -> ChainReport { try await get("/v1/verify") }

  func logs(_ target: TargetID, _ generation: Generation?, lines: Int) async throws -> [String] {
    let wanted = generation.map { "&generation=\($0.number)" } ?? ""
    return try await get("/v1/logs?target=\(target)&lines=\(lines)\(wanted)")
  }

  func preview(_ desired: DesiredState) async throws -> [TargetStatus] {
    try decoded(await send("POST", "/v1/preview", body: desired))
  }

  /// The request as the ledger recorded it.
  @discardableResult
  func ask(_ verb: OperatorRequest.Verb, reason: String?) async throws -> OperatorRequest {
    let request = OperatorRequest(
      verb: verb, by: Self.person,
      at: WallTime(milliseconds: Int(Date().timeIntervalSince1970 * 1000)),
      reason: reason)
    return try decoded(await send("POST", "/v1/requests", body: request))
  }

  func sync() async throws { _ = try await send("POST", "/v1/sync", body: "") }

  func stop() async throws { _ = try await send("POST", "/v1/stop", body: "") }

  func backup(to path: String) async throws { _ = try await send("POST", "/v1/backup", body: path) }

  /// The name of who asks, as the system gives it; behind sudo, of who typed it.
  private static var person: String {
    ProcessInfo.processInfo.environment["SUDO_USER"] ?? NSUserName()
  }

  private func get<Value: Decodable>(_ path: String) async throws -> Value {
    try decoded(await exchange(HTTPRequest("GET", url: "http://agent\(path)")))
  }

  private func send(_ method: String, _ path: String, body: some Encodable) async throws -> Data {
    var request = HTTPRequest(method, url: "http://agent\(path)")
    request.headers = [HTTPHeader("Content-Type", "application/json")]
    request.body = Array(try JSONEncoder().encode(body))
    return try await exchange(request)
  }

  private func exchange(_ request: HTTPRequest) async throws -> Data {
    var request = request
    request.unixSocket = socket
    request.allowedSchemes = [.http]
    let response: HTTPResponse
    do throws(TransportError) {
      response = try await http.send(request)
    } catch .unreachable {
      throw Complaint(
        "no agent answers at \(socket): start one with `viridian run`, or name its configuration with --config"
      )
    } catch {
      throw Complaint("the agent at \(socket) did not answer: \(error)")
    }
    guard (200..<300).contains(response.status) else {
      throw Complaint("the agent refused (\(response.status)): \(Self.reason(response.body))")
    }
    return Data(response.body)
  }

  /// Hummingbird's `{"error":{"message":…}}`, or the body as it is.
  private static func reason(_ body: [UInt8]) -> String {
    struct Refusal: Decodable {
      struct Reason: Decodable { var message: String }
      var error: Reason
    }
    do {
      return try JSONDecoder().decode(Refusal.self, from: Data(body)).error.message
    } catch {
      let text = String(decoding: body, as: UTF8.self)
      return text.isEmpty ? "it gave no reason" : text
    }
  }

  private func decoded<Value: Decodable>(_ data: Data) throws -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: data)
    } catch {
      throw Complaint("the agent's answer cannot be read; is it another version? (\(error))")
    }
  }
}

extension AgentClient {
  /// Somebody listens on the socket.
  var isAgentThere: Bool {
    let descriptor = Foundation.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(socket.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
