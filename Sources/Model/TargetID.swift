/// One application in one environment, written `web@production`; the unit of reconciliation.
package struct TargetID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let application: ApplicationName
  package let environment: EnvironmentName

  package init(_ application: ApplicationName, _ environment: EnvironmentName) {
    self.application = application
    self.environment = environment
  }

  /// `web@production`; nil when the text is not of that form with two valid names.
  package init?(parsing text: String) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts.allSatisfy(isValidName) else { return nil }
    self.init(ApplicationName(rawValue: parts[0]), EnvironmentName(rawValue: parts[1]))
  }

  package var description: String { "\(application)@\(environment)" }

  package static func < (a: Self, b: Self) -> Bool {
    (a.environment, a.application) < (b.environment, b.application)
  }
}

extension TargetID: Codable, CodingKeyRepresentable {
  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let target = TargetID(parsing: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a target: \(text)"))
    }
    self = target
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  package var codingKey: any CodingKey { description.codingKey }

  package init?<Key: CodingKey>(codingKey: Key) { self.init(parsing: codingKey.stringValue) }
}

/// Counts launches of one target, up by one each time; never reused. Starts at 1.
package struct Generation: Hashable, Comparable, Codable, Sendable, CustomStringConvertible,
  CodingKeyRepresentable, ExpressibleByIntegerLiteral
{
  package let number: Int

  package init(_ number: Int) { self.number = number }
  package init(integerLiteral value: Int) { number = value }
  package init(from decoder: any Decoder) throws {
    number = try decoder.singleValueContainer().decode(Int.self)
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }

  package var next: Generation { Generation(number + 1) }
  /// `v042`: at least three digits.
  package var description: String {
    let digits = String(number)
    return "v" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }
  package static func < (a: Self, b: Self) -> Bool { a.number < b.number }
  package var codingKey: any CodingKey { number.codingKey }
  package init?<Key: CodingKey>(codingKey: Key) {
    guard let value = codingKey.intValue else { return nil }
    number = value
  }
}

/// One stack of one target. The name people see is `StackName`; identity is the certificate.
package struct StackID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  package let target: TargetID
  package let generation: Generation

  package init(_ target: TargetID, _ generation: Generation) {
    self.target = target
    self.generation = generation
  }

  /// `web@production/v042`.
  package var description: String { "\(target)/\(generation)" }

  /// `web-production-v042`; where a platform allows fewer characters (`limit`), the front is
  /// shortened and six characters of a hash of the target keep it unique.
  package func name(limit: Int = 128) -> String {
    let full = "\(target.application)-\(target.environment)-\(generation)"
    guard full.utf8.count > limit else { return full }
    let hash = Digest.of("\(target)").hex.prefix(6)
    let tail = "-\(hash)-\(generation)"
    return full.prefix(max(1, limit - tail.utf8.count)) + tail
  }

  package static func < (a: Self, b: Self) -> Bool {
    (a.target, a.generation) < (b.target, b.generation)
  }
}
