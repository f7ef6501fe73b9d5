/// Requests that go to one stack whatever the split says, as long as it has a server that is up.
package struct ChosenRequests: Hashable, Codable, Sendable {
  package let generation: Generation
  /// Any of them is enough. Sorted, each once.
  package let rules: [RequestRule]
  package init(generation: Generation, rules: [RequestRule]) {
    self.generation = generation
    self.rules = Set(rules).sorted()
  }
}

/// What a request must have: a header or a cookie with exactly this value.
package struct RequestRule: Hashable, Comparable, Codable, Sendable {
  package enum Part: String, Codable, Sendable {
    case header
    case cookie
  }

  package let part: Part
  /// A header's in lower case: its case means nothing.
  package let name: String
  package let value: String
  package init(_ part: Part, _ name: String, is value: String) {
    self.part = part
    self.name = part == .header ? name.lowercased() : name
    self.value = value
  }

  package static func < (a: Self, b: Self) -> Bool {
    (a.part.rawValue, a.name, a.value) < (b.part.rawValue, b.name, b.value)
  }
}

extension RequestRule {
  /// What no router could tell from its own configuration; nil: nothing is wrong.
  package var problem: String? {
    guard isPartName(name) else {
      return
        "the name of the \(part.rawValue) \"\(name)\" must be 1 to 64 letters, digits, - _ or ."
    }
    let bytes = Array(value.utf8)
    let isPrintable =
      (1...128).contains(bytes.count) && bytes.allSatisfy { (0x20...0x7E).contains($0) }
    // A cookie's as RFC 6265 has it. No space at an end of a header's arrives.
    let isSent =
      switch part {
      case .header: bytes.first != 0x20 && bytes.last != 0x20
      case .cookie: !bytes.contains { " \",;\\".utf8.contains($0) }
      }
    guard isPrintable, isSent else {
      return
        "the value of the \(part.rawValue) \"\(name)\" must be 1 to 128 printable ASCII characters,"
        + " as it is sent"
    }
    return nil
  }
}

/// Names of headers and cookies that applications use: of a token (RFC 9110) what means nothing elsewhere.
package func isPartName(_ name: String) -> Bool {
  (1...64).contains(name.utf8.count)
    && name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-_.".utf8.contains(byte)
      }
    }
}

/// How long who has once been answered by a candidate stays with it.
package struct Stickiness: Hashable, Codable, Sendable {
  /// The cookie's name.
  package var cookie: String
  /// How long a browser keeps the cookie; whole seconds.
  package var maxAge: Duration
  package init(cookie: String, maxAge: Duration) {
    self.cookie = cookie
    self.maxAge = maxAge
  }

  /// What no browser takes; nil: nothing is wrong.
  package var problem: String? {
    guard isPartName(cookie) else {
      return "the cookie \"\(cookie)\" must have a name of 1 to 64 letters, digits, - _ or ."
    }
    // Browsers keep none longer (RFC 6265bis).
    let isWhole = maxAge == .seconds(maxAge.components.seconds)
    guard isWhole, (.seconds(1)...(.seconds(400 * 86_400))).contains(maxAge) else {
      return "a cookie lasts a whole number of seconds, and at most 400 days"
    }
    return nil
  }
}

/// Whoever was answered by this stack goes on reaching it, as long as it has a server that is up: a
/// cookie of that very launch says so.
package struct StickyTraffic: Hashable, Codable, Sendable {
  package let cookie: String
  package let generation: Generation
  package let maxAge: Duration
  package init(cookie: String, generation: Generation, maxAge: Duration) {
    self.cookie = cookie
    self.generation = generation
    self.maxAge = maxAge
  }
}
