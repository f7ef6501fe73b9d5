/// Why a source could not be asked. Nothing changes by any of them.
package enum SourceError: Error, Hashable, Codable, Sendable, CustomStringConvertible {
  /// Ask again later: name, network, server.
  case unreachable(String)
  /// Ask again later: a deadline passed.
  case timedOut(String)
  /// The server refuses the credentials.
  case denied(String)
  /// TLS certificate or host key is not the expected one.
  case untrusted(String)
  /// The watched ref, commit or path does not exist there.
  case missing(String)
  /// The agent's configuration is wrong.
  case configuration(String)
  /// The server's data or our store is damaged, also after cloning anew.
  case damaged(String)
  /// What was asked for is larger than, or otherwise not within, what is allowed.
  case refused(String)
  /// The worker process could not do its work: no memory, no process, killed.
  case worker(String)
  case cancelled

  package var description: String {
    switch self {
    case .unreachable(let text), .timedOut(let text), .denied(let text), .untrusted(let text),
      .missing(let text), .configuration(let text), .damaged(let text), .refused(let text),
      .worker(let text):
      text
    case .cancelled: "cancelled"
    }
  }
}
