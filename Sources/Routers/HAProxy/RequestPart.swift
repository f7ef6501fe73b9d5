import Foundation
import Model

/// One thing of each request that a worker looks up in the map. Which they are stands in the
/// configuration, so that another one takes a reload; what they must be stands in the map.
struct RequestPart: Hashable, Comparable, Codable, Sendable {
  enum Kind: String, Codable, Sendable {
    /// The cookie of stickiness.
    case sticky
    case header
    case cookie
  }

  let kind: Kind
  let name: String

  init(_ kind: Kind, _ name: String) {
    self.kind = kind
    self.name = name
  }

  init(_ rule: RequestRule) {
    self.init(rule.part == .header ? .header : .cookie, rule.name)
  }

  /// What a route needs to be read.
  static func all(chosen rules: [RequestRule]?, sticky cookie: String?) -> [RequestPart] {
    let parts = (rules ?? []).map { RequestPart($0) } + (cookie.map { [.init(.sticky, $0)] } ?? [])
    return Set(parts).sorted()
  }

  static func all(of route: Route) -> [RequestPart] {
    all(chosen: route.chosen?.rules, sticky: route.sticky?.cookie)
  }

  /// In which order they are read: the last one that is found in the map counts.
  static func < (a: Self, b: Self) -> Bool {
    if (a.kind == .sticky) != (b.kind == .sticky) { return a.kind == .sticky }
    return a.suffix < b.suffix
  }

  /// No name has an `@`, and no other key of a map ends like this.
  private var suffix: String { "@\(kind.rawValue)-\(name)" }

  /// The map's key of a request that has `value` here. Encoded as HAProxy encodes what it reads, so that
  /// a value never is anything but a value.
  func key(_ value: String) -> String {
    (value.addingPercentEncoding(withAllowedCharacters: Self.unreserved) ?? "") + suffix
  }

  /// The same of a request, in HAProxy's words. Of several headers of one name the last one counts.
  var sample: String {
    "req.\(kind == .header ? "fhdr" : "cook")(\(name)),url_enc,concat(\(suffix))"
  }

  private static let unreserved = CharacterSet(
    charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
}

extension RequestRule {
  /// nil for a key that is no rule's.
  init?(mapKey key: String) {
    guard let at = key.lastIndex(of: "@"), let value = key[..<at].removingPercentEncoding else {
      return nil
    }
    let parts = key[at...].dropFirst().split(separator: "-", maxSplits: 1).map(String.init)
    guard parts.count == 2, let part = Part(rawValue: parts[0]), isPartName(parts[1]) else {
      return nil
    }
    self.init(part, parts[1], is: value)
  }
}
