import PlatformKit
import Synchronization

/// One after the other, then none.
final class Tokens: Sendable {
  private let rest: Mutex<[String]>

  init(_ tokens: [String]) { rest = Mutex(tokens) }

  func next() throws(PlatformError) -> String {
    let token = rest.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let token else { throw .transient("no token") }
    return token
  }
}
