import Foundation
import Hummingbird
import LedgerKit
import Model

/// The HTTP API of the agent: reads the ledger, appends operator requests, and nudges.
struct ControlAPI: Sendable {
  let ledger: any Ledger
  let controls: AgentControls

  /// A page of history larger than this would only fill memory.
  private static let largestPage = 10_000
  /// A desired state of 20,000 targets fits.
  private static let largestBody = 64 << 20

  func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.add(middleware: SpokenErrors())
    router.get("/v1/agent") { _, _ in try json(await controls.status()) }
    router.get("/v1/targets") { _, _ in try json(await ledger.statuses()) }
    router.get("/v1/history") { request, _ in try await history(request) }
    router.get("/v1/verify") { _, _ in try json(await ledger.verify()) }
    router.get("/v1/logs") { request, _ in try await logs(request) }
    router.post("/v1/sync") { _, _ in
      controls.nudge()
      return Response(status: .accepted)
    }
    router.post("/v1/stop") { _, _ in
      controls.stop()
      return Response(status: .accepted)
    }
    router.post("/v1/requests") { request, _ in try await append(request) }
    router.post("/v1/preview") { request, _ in
      let desired = try await decode(DesiredState.self, request)
      return try json(await controls.preview(desired))
    }
    router.post("/v1/backup") { request, _ in
      let path = try await decode(String.self, request)
      try await ledger.backup(to: path)
      return Response(status: .noContent)
    }
    return router
  }

  private func history(_ request: Request) async throws -> Response {
    let parameters = request.uri.queryParameters
    let target = parameters["target"].map(String.init)
    let query = HistoryQuery(
      target: try target.map(parsed),
      kinds: parameters.getAll("kind").compactMap { LedgerEntry.Kind(rawValue: String($0)) },
      after: parameters["after"].flatMap { Int($0) } ?? 0,
      limit: min(parameters["limit"].flatMap { Int($0) } ?? 100, Self.largestPage))
    return try json(HistoryPage(entries: try await ledger.history(query)))
  }

  private func logs(_ request: Request) async throws -> Response {
    let parameters = request.uri.queryParameters
    let target = try parsed(parameters["target"].map(String.init) ?? "")
    let generation = parameters["generation"].flatMap { Int($0) }.map { Generation($0) }
    let lines = min(parameters["lines"].flatMap { Int($0) } ?? 100, Self.largestPage)
    guard let found = try await controls.logs(target, generation, lines) else {
      let stack = generation.map { "stack \($0)" } ?? "stack"
      throw HTTPError(
        .notFound, message: "\(target) has no \(stack) here: `viridian get` shows what there is")
    }
    return try json(found)
  }

  private func append(_ request: Request) async throws -> Response {
    guard await controls.status().mode != "observe" else {
      throw HTTPError(
        .conflict, message: "this agent only observes; start it with `mode: act` for it to obey")
    }
    var asked = try await decode(OperatorRequest.self, request)
    try await check(asked.verb)
    asked.sequence = try await ledger.append(asked)
    controls.nudge()
    return try json(asked)
  }

  /// A request for a target that nobody knows is a slip of the finger, and would wait for ever.
  private func check(_ verb: OperatorRequest.Verb) async throws {
    let target: TargetID? =
      switch verb {
      case .pause(let target), .resume(let target): target
      case .abort(let target), .retry(let target), .release(let target, _): target
      case .approve(let target), .approveFreeze(let target), .advance(let target, _): target
      // After a lost ledger a target may be held before it has a status.
      case .adopt, .approveRemoval: nil
      }
    guard let target else { return }
    let known = try await ledger.statuses().map(\.target)
    guard known.contains(target) else {
      let names = known.isEmpty ? "none yet" : known.map(\.description).joined(separator: ", ")
      throw HTTPError(.notFound, message: "no target \(target); known: \(names)")
    }
  }

  private func parsed(_ text: String) throws -> TargetID {
    guard let target = TargetID(parsing: text) else {
      throw HTTPError(
        .badRequest, message: "not a target: \"\(text)\" (write application@environment)")
    }
    return target
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ request: Request) async throws
    -> Value
  {
    let body = try await request.body.collect(upTo: Self.largestBody)
    do {
      return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
    } catch {
      throw HTTPError(.badRequest, message: "the body is not \(type) in JSON: \(error)")
    }
  }

  private func json(_ value: some Encodable) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(value)
    return Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
  }
}
