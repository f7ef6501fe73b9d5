/// Everything of a route that is compared with what was written. A server is named by its slot and
/// its own name: `h0/web-production-v001-…-i0.9001`.
enum RouteField: Hashable, Sendable, CaseIterable {
  case file(String)
  case listener(Listener)
  case listenerStatus(Listener)
  case listenerMaxconn(Listener)
  case server(String)
  case address(String)
  case check(String)
  case maxconn(String)
  case state(String)
  case weight(String)
  case split
  case oldSplit(worker: Int?)

  /// One of each, of any file, server or worker.
  static let allCases: [RouteField] = [
    .file("*"), .listener(.listen), .listenerStatus(.listen), .listenerMaxconn(.listen),
    .listener(.preview), .listenerStatus(.preview), .listenerMaxconn(.preview), .server("*/*"),
    .address("*/*"), .check("*/*"), .maxconn("*/*"), .state("*/*"), .weight("*/*"), .split,
    .oldSplit(worker: nil),
  ]

  /// JSON pointer.
  var path: String {
    switch self {
    case .file(let name): "/files/\(name)"
    case .listener(let listener): "/\(listener)"
    case .listenerStatus(let listener): "/\(listener)/status"
    case .listenerMaxconn(let listener): "/\(listener)/maxconn"
    case .server(let name): "/servers/\(name)"
    case .address(let name): "/servers/\(name)/address"
    case .check(let name): "/servers/\(name)/check"
    case .maxconn(let name): "/servers/\(name)/maxconn"
    case .state(let name): "/servers/\(name)/state"
    case .weight(let name): "/servers/\(name)/weight"
    case .split: "/split"
    case .oldSplit(let worker): "/old-workers/\(worker.map { "\($0)" } ?? "*")/split"
    }
  }
}
