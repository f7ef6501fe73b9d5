/// A name of the glossary: a wrapped string, so that one kind is never taken for another.
package protocol Name: RawRepresentable<String>, Hashable, Comparable, Codable, Sendable,
  CodingKeyRepresentable, CustomStringConvertible, ExpressibleByStringLiteral
{
  init(rawValue: String)
}

extension Name {
  package init(stringLiteral value: String) { self.init(rawValue: value) }
  package var description: String { rawValue }
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// `web`: a unit that has a version; declared once.
package struct ApplicationName: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// `production`: a place where applications run.
package struct EnvironmentName: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// `local`: a platform as the agent's configuration names it.
package struct PlatformName: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// A watched Git repository as the agent's configuration names it.
package struct SourceName: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// `shop`: targets of one environment that are released together.
package struct GroupName: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// Who owns stacks: written into every birth certificate.
package struct OwnerID: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// A full Git object id of a commit, in lower-case hexadecimal digits.
package struct CommitID: Name {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  /// The first twelve digits, for people.
  package var short: String { String(rawValue.prefix(12)) }
}

/// `true` for names that a manifest may use: `^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`.
package func isValidName(_ text: String) -> Bool {
  let bytes = Array(text.utf8)
  guard let first = bytes.first, let last = bytes.last, bytes.count <= 40 else { return false }
  func isLetter(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }
  func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  guard isLetter(first), isLetter(last) || isDigit(last) else { return false }
  return bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2D }
}
