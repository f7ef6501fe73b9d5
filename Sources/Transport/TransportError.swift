/// Why a request has no answer. An answer with an HTTP error status is an answer, not an error.
package enum TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not allowed by the request's own options: scheme, address, malformed URL. Asking again is of
  /// no use.
  case refused(String)
  /// The name does not resolve, or nobody accepts the connection.
  case unreachable(String)
  /// The connect, idle or total deadline passed.
  case timedOut(String)
  /// TLS: the certificate is not one of ours, is expired, or names another host.
  case untrusted(String)
  /// The answer is larger than the request allows.
  case tooLarge(String)
  /// The connection was cut or the peer does not speak HTTP.
  case broken(String)
  /// The local file cannot be written or read.
  case file(String)
  /// The task was cancelled, or the client has ended.
  case cancelled
  /// More requests wait than the client keeps.
  case overloaded(String)

  package var description: String {
    switch self {
    case .refused(let text), .unreachable(let text), .timedOut(let text), .untrusted(let text),
      .tooLarge(let text), .broken(let text), .file(let text), .overloaded(let text):
      text
    case .cancelled: "the request was cancelled"
    }
  }
}
