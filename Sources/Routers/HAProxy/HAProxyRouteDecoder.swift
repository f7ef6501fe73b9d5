import Glibc
package import Model
package import PlatformKit

/// `route`: where HAProxy listens for a target.
package struct HAProxyRouteDecoder: RouteDecoder {
  package init() {}

  package static let fields = [
    Field(
      "listen", .text, "Address and port: 127.0.0.1:8080, [::1]:8080, or *:80 for all.",
      required: true)
  ]

  package var schema: CanonicalValue { FieldType.schema(of: Self.fields) }

  package func decode(
    _ node: ManifestNode, mode: TrafficPolicy.Mode
  ) throws(DecodingProblems) -> CanonicalValue {
    let problems = node.problems(Self.fields)
    guard problems.isEmpty else { throw DecodingProblems(diagnostics: problems) }
    let reader = MappingReader(node)
    let text = reader.text("listen") ?? ""
    guard let (host, port) = Self.parts(text) else {
      throw DecodingProblems(diagnostics: [
        (reader["listen"] ?? node).error(
          "\"listen\" must be an address and a port from 1 to 65535, such as 127.0.0.1:8080 or *:80"
        )
      ])
    }
    return ["listen": .string("\(host):\(port)")]
  }

  /// One claim for each port: `*:80` clashes with `127.0.0.1:80`, so the address is left out. Two
  /// targets on two addresses of one host with one port are refused too: rare, and never a surprise.
  package func claims(_ declaration: CanonicalValue) -> [String] {
    guard let text = declaration["listen"]?.string, let (_, port) = Self.parts(text) else {
      return []
    }
    return ["port \(port)"]
  }

  /// Only literal addresses: nothing else can reach HAProxy's configuration.
  private static func parts(_ text: String) -> (host: String, port: Int)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(digits),
      (1...65_535).contains(port), String(port) == digits
    else { return nil }
    let host = String(text[..<colon])
    if host == "*" || host == "localhost" { return (host == "*" ? "*" : "127.0.0.1", port) }
    var four = in_addr()
    if inet_pton(AF_INET, host, &four) == 1 { return (host, port) }
    var six = in6_addr()
    guard host.hasPrefix("["), host.hasSuffix("]"),
      inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &six) == 1
    else { return nil }
    return (host.lowercased(), port)
  }
}
