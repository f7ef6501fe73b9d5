/// One HTTP request and everything that bounds it.
package struct HTTPRequest: Sendable {
  package enum Scheme: String, Sendable {
    case http
    case https
  }

  /// Which addresses a name may lead to, checked on the address that is connected to, so that
  /// neither DNS nor an odd spelling of a number gets past.
  package enum AddressPolicy: Sendable {
    case any
    /// No loopback, link-local (cloud metadata), private, multicast or unspecified address: for
    /// URLs that come from a repository.
    case publicOnly
  }

  package struct BasicCredentials: Sendable {
    package var user: String
    package var password: String
    package init(user: String, password: String) {
      self.user = user
      self.password = password
    }
  }

  package var method: String
  package var url: String
  package var headers: [HTTPHeader] = []
  package var body: [UInt8]?
  /// Connect to this Unix socket; the URL then only names host and path.
  package var unixSocket: String?
  /// PEM file with the authorities to trust instead of the system's.
  package var caFile: String?
  /// Sent with the first request; never sent to another host.
  package var basicCredentials: BasicCredentials?
  package var allowedSchemes: Set<Scheme> = [.https]
  package var addresses: AddressPolicy = .any
  /// Redirects to follow, only to https; 0: a redirect is an answer like any other.
  package var redirects: Int = 0
  /// A proxy's URL; nil: none. The environment is never asked.
  package var proxy: String?
  package var limits = HTTPLimits()
  /// Opens the connection and closes it again, sending nothing: a TCP probe. The status is then 0.
  package var connectOnly: Bool = false

  package init(_ method: String = "GET", url: String) {
    self.method = method
    self.url = url
  }

  /// `https://host:port` without credentials, path and query, which may be secret.
  var origin: String {
    guard let separator = url.firstRange(of: "://") else { return "the URL" }
    let rest = url[separator.upperBound...].prefix { !"/?#".contains($0) }
    let host = rest.split(separator: "@", omittingEmptySubsequences: false).last ?? rest
    return String(url[..<separator.upperBound] + host)
  }
}

package struct HTTPHeader: Hashable, Sendable {
  package var name: String
  package var value: String
  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Times and sizes of one request.
package struct HTTPLimits: Hashable, Sendable {
  /// Name, TCP and TLS together.
  package var connect: Duration = .seconds(5)
  /// From the start to the last byte; nil for a watch, which only `idle` bounds.
  package var total: Duration? = .seconds(30)
  /// No byte in either direction for this long ends the request; whole seconds, rounded up.
  package var idle: Duration? = .seconds(10)
  /// 16 MiB: more than any answer that is held in memory should have.
  package var bodyBytes: Int = 16 << 20
  package init(
    connect: Duration = .seconds(5), total: Duration? = .seconds(30),
    idle: Duration? = .seconds(10), bodyBytes: Int = 16 << 20
  ) {
    self.connect = connect
    self.total = total
    self.idle = idle
    self.bodyBytes = bodyBytes
  }
}

/// The answer to a request, whatever its status.
package struct HTTPResponse: Sendable {
  package var status: Int
  /// As received, in order; names keep their case.
  package var headers: [HTTPHeader]
  /// Empty when the body went to a file or a receiver.
  package var body: [UInt8]
  package init(status: Int, headers: [HTTPHeader], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first value of the header; case does not matter.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}
