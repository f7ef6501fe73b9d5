package import Model

/// One key of a manifest or of the agent's configuration: the parser, the JSON Schema and the
/// reference are all made from it, so that they never differ.
package struct Field: Sendable {
  package var name: String
  package var type: FieldType
  /// One sentence for the reference.
  package var meaning: String
  /// As written in the reference; nil: none.
  package var standard: String?
  package var isRequired: Bool

  package init(
    _ name: String, _ type: FieldType, _ meaning: String, standard: String? = nil,
    required: Bool = false
  ) {
    self.name = name
    self.type = type
    self.meaning = meaning
    self.standard = standard
    isRequired = required
  }
}

/// What a value must look like.
package indirect enum FieldType: Sendable {
  /// Not empty, no control characters, at most 4,096 bytes.
  case text
  /// `^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`.
  case name
  case integer(ClosedRange<Int>)
  /// `2`, `0.5`, `-1.25`: no exponent.
  case decimal(ClosedRange<Int>)
  case bool
  /// `1m30s`.
  case duration
  case choice([String])
  case list(FieldType)
  /// Any keys, all values of one type.
  case map(FieldType)
  case mapping([Field])
  /// The first that fits.
  case either(FieldType, FieldType)
  /// Decoded by somebody else, whose JSON Schema this is.
  case payload(CanonicalValue)

  /// For messages: "a whole number from 1 to 9".
  package var words: String {
    switch self {
    case .text: "text"
    case .name: "a name (a letter, then letters, digits and -, at most 40)"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .decimal(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .bool: "true or false"
    case .duration: "a duration such as 30s or 1m30s"
    case .choice(let words): words.joined(separator: " | ")
    case .list(let type): "a list of \(type.words)"
    case .map(let type): "a mapping to \(type.words)"
    case .mapping: "a mapping"
    case .either(let first, let second): "\(first.words), or \(second.words)"
    case .payload: "a mapping"
    }
  }
}

extension FieldType {
  /// JSON Schema, draft 2020-12, over the YAML's core schema.
  package var schema: CanonicalValue {
    switch self {
    case .text: ["type": ["string", "number", "boolean"]]
    case .name: ["type": "string", "pattern": "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"]
    case .integer(let range):
      [
        "type": "integer", "minimum": .integer(range.lowerBound),
        "maximum": .integer(range.upperBound),
      ]
    case .decimal(let range):
      [
        "type": "number", "minimum": .integer(range.lowerBound),
        "maximum": .integer(range.upperBound),
      ]
    case .bool: ["type": "boolean"]
    case .duration:
      ["type": "string", "pattern": "^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"]
    case .choice(let words): ["enum": .array(words.map { .string($0) })]
    case .list(let type): ["type": "array", "items": type.schema]
    case .map(let type): ["type": "object", "additionalProperties": type.schema]
    case .mapping(let fields): Self.schema(of: fields)
    case .either(let first, let second): ["anyOf": [first.schema, second.schema]]
    case .payload(let schema): schema
    }
  }

  /// An object with exactly these keys, and `x-…`.
  package static func schema(of fields: [Field]) -> CanonicalValue {
    var properties: [String: CanonicalValue] = [:]
    for field in fields {
      var schema = field.type.schema.object ?? [:]
      let standard = field.standard.map { " Default: \($0)." } ?? ""
      schema["description"] = .string(field.meaning + standard)
      properties[field.name] = .object(schema)
    }
    let required = fields.filter(\.isRequired).map { CanonicalValue.string($0.name) }
    return .present([
      "type": "object", "properties": .object(properties),
      "required": required.isEmpty ? nil : .array(required),
      "patternProperties": ["^x-": true], "additionalProperties": false,
    ])
  }
}

extension Field {
  /// Every key below these fields as `spec.health.http.path`, with what the reference says of it.
  package static func reference(
    _ fields: [Field], prefix: String = ""
  ) -> [(path: String, field: Field)] {
    fields.flatMap { field in
      let path = prefix.isEmpty ? field.name : "\(prefix).\(field.name)"
      return [(path, field)] + nested(field.type, prefix: path)
    }
  }

  private static func nested(
    _ type: FieldType, prefix: String
  ) -> [(path: String, field: Field)] {
    switch type {
    case .mapping(let fields): reference(fields, prefix: prefix)
    case .list(let type): nested(type, prefix: prefix)
    case .either(let first, let second):
      nested(first, prefix: prefix) + nested(second, prefix: prefix)
    case .text, .name, .integer, .decimal, .bool, .duration, .choice, .map, .payload: []
    }
  }
}
