/// What drift is compared with. Fields are named `resource` + JSON pointer.
package struct Fingerprint: Hashable, Codable, Sendable {
  /// Which set of fields the platform recorded; a field of a newer set is NOT_CHECKED.
  package var schema: Int
  /// Expected values computed from the spec: a mismatch at the gate fails it.
  package var declared: [FieldPath: String]
  /// Values read once after the launch completed.
  package var settled: [FieldPath: String] = [:]
  package init(schema: Int, declared: [FieldPath: String], settled: [FieldPath: String] = [:]) {
    self.schema = schema
    self.declared = declared
    self.settled = settled
  }
}

/// One comparable field of a stack: `instances/0` + `/argv`.
package struct FieldPath: Hashable, Comparable, Codable, Sendable, CodingKeyRepresentable,
  CustomStringConvertible
{
  /// What carries the field: `release`, `instance/0`, `stack`.
  package var resource: String
  /// JSON pointer inside the resource: `/files/app/web`.
  package var pointer: String

  package init(_ resource: String, _ pointer: String) {
    self.resource = resource
    self.pointer = pointer
  }

  package var description: String { "\(resource)#\(pointer)" }
  package static func < (a: Self, b: Self) -> Bool {
    (a.resource, a.pointer) < (b.resource, b.pointer)
  }
  package var codingKey: any CodingKey { description.codingKey }
  package init?<Key: CodingKey>(codingKey: Key) { self.init(parsing: codingKey.stringValue) }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let path = FieldPath(parsing: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a field path: \(text)"))
    }
    self = path
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  private init?(parsing text: String) {
    guard let hash = text.firstIndex(of: "#") else { return nil }
    self.init(String(text[..<hash]), String(text[text.index(after: hash)...]))
  }
}

/// What an inspection of a live stack read of one field.
package enum FieldReading: Hashable, Codable, Sendable {
  case value(String)
  /// The resource or field is not there.
  case absent
  /// It could not be read: NOT_CHECKED, never "in sync".
  case unreadable(reason: String)
}

/// A complete reading of one stack's fields, and what the platform expects of the declared ones.
package struct Inspection: Hashable, Codable, Sendable {
  package var schema: Int
  package var readings: [FieldPath: FieldReading]
  /// Fields with the value that the spec demands.
  package var declared: [FieldPath: String]
  /// A field that is read but in neither set was added by somebody: reported as ADDED when its
  /// resource pointer has one of these prefixes.
  package var exhaustive: [FieldPath] = []
  /// Who changed a field and when, where the platform knows.
  package var actors: [FieldPath: String] = [:]
  package init(
    schema: Int, readings: [FieldPath: FieldReading], declared: [FieldPath: String],
    exhaustive: [FieldPath] = [], actors: [FieldPath: String] = [:]
  ) {
    self.schema = schema
    self.readings = readings
    self.declared = declared
    self.exhaustive = exhaustive
    self.actors = actors
  }
}

/// One difference between live and what was launched.
package struct Finding: Hashable, Codable, Sendable, CustomStringConvertible {
  package enum Word: String, Codable, Sendable {
    case modified = "MODIFIED"
    case deleted = "DELETED"
    case added = "ADDED"
    case notChecked = "NOT_CHECKED"
  }

  package var word: Word
  /// `web-production-v042 release`, `route`.
  package var resource: String
  /// JSON pointer.
  package var path: String
  package var expected: String?
  package var actual: String?
  /// Who and when, where the platform knows.
  package var actor: String?
  package init(
    word: Word, resource: String, path: String, expected: String? = nil, actual: String? = nil,
    actor: String? = nil
  ) {
    self.word = word
    self.resource = resource
    self.path = path
    self.expected = expected
    self.actual = actual
    self.actor = actor
  }

  package var description: String {
    let change = "expected \(expected ?? "nothing"), actual \(actual ?? "nothing")"
    let by = actor.map { " (\($0))" } ?? ""
    return "\(word.rawValue) \(resource) \(path): \(change)\(by)"
  }
}
