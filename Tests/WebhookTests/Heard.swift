import Support
import Synchronization

/// Answers everybody the same, and keeps what it was asked.
final class Heard: Sendable {
  private let status: Int
  private let body: String
  private let headers: String
  private let kept = Mutex<[HeardRequest]>([])

  init(status: Int = 200, body: String = "", headers: String = "") {
    self.status = status
    self.body = body
    self.headers = headers
  }

  var requests: [HeardRequest] { kept.withLock { $0 } }

  func answer(_ connection: StubConnection) {
    while let request = connection.readRequest() {
      kept.withLock { $0.append(request) }
      connection.answer(status, status == 204 ? "" : self.body, headers: headers)
    }
  }
}

struct HeardRequest: Sendable {
  var head: String
  var body: String
}

extension StubConnection {
  /// With its body; nil when the peer has gone.
  func readRequest() -> HeardRequest? {
    guard let head = readHead() else { return nil }
    let length = head.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
    return HeardRequest(head: head, body: String(decoding: read(length), as: UTF8.self))
  }
}
