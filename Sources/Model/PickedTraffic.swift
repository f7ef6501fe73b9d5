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

/// Whoever was answered by this stack goes on reaching it, as long as it has a server that is up: a
/// cookie of that very launch says so.
package struct StickyTraffic: Hashable, Codable, Sendable {
  /// The cookie's name.
  package let cookie: String
  package let generation: Generation
  /// How long a browser keeps the cookie; whole seconds.
  package let maxAge: Duration
  package init(cookie: String, generation: Generation, maxAge: Duration) {
    self.cookie = cookie
    self.generation = generation
    self.maxAge = maxAge
  }
}
