import Glibc
package import Model
package import PlatformKit

/// `route`: where HAProxy listens for a target.
package struct HAProxyRouteDecoder: RouteDecoder {
  package init() {}

  package static let fields = [
    Field(
      "listen", .text, "Address and port: 127.0.0.1:8080, [::1]:8080, or *:80 for all.",
      required: true),
    Field(
      "preview", .text,
      "Address and another port, where the next version can be reached before it has traffic."),
  ]

  package var schema: CanonicalValue { FieldType.schema(of: Self.fields) }

  package func decode(
    _ node: ManifestNode, mode: TrafficPolicy.Mode
  ) throws(DecodingProblems) -> CanonicalValue {
    var problems = node.problems(Self.fields)
    guard problems.isEmpty else { throw DecodingProblems(diagnostics: problems) }
    let reader = MappingReader(node)
    var declaration: [String: CanonicalValue] = [:]
    var ports: [Int] = []
    for field in Self.fields {
      guard let text = reader.text(field.name) else { continue }
      guard let (host, port) = Self.parts(text) else {
        problems.append(
          (reader[field.name] ?? node).error(
            "\"\(field.name)\" must be an address and a port from 1 to 65535, such as"
              + " 127.0.0.1:8080 or *:80"))
        continue
      }
      if ports.contains(port) {
        problems.append(
          (reader[field.name] ?? node).error(
            "\"\(field.name)\" must be another port than \"listen\""))
      }
      ports.append(port)
      declaration[field.name] = .string("\(host):\(port)")
    }
    guard problems.isEmpty else { throw DecodingProblems(diagnostics: problems) }
    return .object(declaration)
  }

  /// One claim for each port: `*:80` clashes with `127.0.0.1:80`, so the address is left out. Two
  /// targets on two addresses of one host with one port are refused too: rare, and never a surprise.
  package func claims(_ declaration: CanonicalValue) -> [String] {
    Self.fields.compactMap { field in
      declaration[field.name]?.string.flatMap(Self.parts).map { "port \($0.port)" }
    }
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
