import Model
import PlatformKit

/// The part of JSON Schema (draft 2020-12) that our schema uses, written from the specification and
/// not from our parser. An unknown keyword is an error, so that nothing passes unchecked.
struct JSONSchema {
  let root: CanonicalValue

  struct UnknownKeyword: Error { let name: String }

  func accepts(_ value: JSONValue) throws -> Bool { try accepts(value, root) }

  private func accepts(_ value: JSONValue, _ schema: CanonicalValue) throws -> Bool {
    if let allowed = schema.bool { return allowed }
    guard let keywords = schema.object else { throw UnknownKeyword(name: schema.json) }
    for (name, rule) in keywords where try !holds(name, rule, value, keywords) { return false }
    return true
  }

  private func holds(
    _ name: String, _ rule: CanonicalValue, _ value: JSONValue, _ schema: [String: CanonicalValue]
  ) throws -> Bool {
    switch name {
    case "$schema", "$defs", "$id", "title", "description", "default": return true
    case "$ref": return try accepts(value, definition(rule.string ?? ""))
    case "oneOf": return try (rule.array ?? []).count { try accepts(value, $0) } == 1
    case "anyOf": return try (rule.array ?? []).contains { try accepts(value, $0) }
    case "type": return (rule.array ?? [rule]).contains { value.has(type: $0.string ?? "") }
    case "enum": return (rule.array ?? []).contains { $0.string == value.string }
    case "pattern": return try value.string.map { try matches($0, rule.string ?? "") } ?? true
    case "minimum": return value.number.map { $0 >= Double(rule.integer ?? 0) } ?? true
    case "maximum": return value.number.map { $0 <= Double(rule.integer ?? 0) } ?? true
    case "items": return try (value.array ?? []).allSatisfy { try accepts($0, rule) }
    case "required":
      guard let members = value.object else { return true }
      return (rule.array ?? []).allSatisfy { members[$0.string ?? ""] != nil }
    // The three depend on each other and are checked together.
    case "properties", "patternProperties", "additionalProperties":
      return try membersHold(value, schema)
    default: throw UnknownKeyword(name: name)
    }
  }

  private func membersHold(_ value: JSONValue, _ schema: [String: CanonicalValue]) throws -> Bool {
    for (name, member) in value.object ?? [:] {
      let own = schema["properties"]?[name]
      let patterns = try (schema["patternProperties"]?.object ?? [:]).filter {
        try matches(name, $0.key)
      }
      for rule in [own].compactMap({ $0 }) + patterns.values where try !accepts(member, rule) {
        return false
      }
      if own == nil, patterns.isEmpty, let rest = schema["additionalProperties"],
        try !accepts(member, rest)
      {
        return false
      }
    }
    return true
  }

  private func definition(_ reference: String) throws -> CanonicalValue {
    let name = String(reference.dropFirst("#/$defs/".count))
    guard reference.hasPrefix("#/$defs/"), let found = root["$defs"]?[name] else {
      throw UnknownKeyword(name: reference)
    }
    return found
  }

  private func matches(_ text: String, _ pattern: String) throws -> Bool {
    try Regex(pattern).firstMatch(in: text) != nil
  }
}

/// A YAML document as other tools read it: plain scalars by YAML's core schema.
indirect enum JSONValue {
  case null
  case bool
  case number(Double)
  case text(String)
  case list([JSONValue])
  case mapping([String: JSONValue])

  init(_ node: ManifestNode) {
    switch node.content {
    case .sequence(let nodes): self = .list(nodes.map(JSONValue.init))
    case .mapping(let members):
      self = .mapping(
        Dictionary(members.map { ($0.name, JSONValue($0.value)) }) { first, _ in first })
    case .scalar(let text, false): self = .text(text)
    case .scalar(let text, true):
      if ["", "~", "null"].contains(text) {
        self = .null
      } else if ["true", "false"].contains(text) {
        self = .bool
      } else if text.wholeMatch(of: /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/) != nil {
        self = .number(Double(text) ?? 0)
      } else {
        self = .text(text)
      }
    }
  }

  func has(type: String) -> Bool {
    switch (self, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.text, "string"),
      (.list, "array"), (.mapping, "object"):
      true
    case (.number(let value), "integer"): value == value.rounded()
    default: false
    }
  }

  var string: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  var number: Double? {
    guard case .number(let number) = self else { return nil }
    return number
  }

  var array: [JSONValue]? {
    guard case .list(let values) = self else { return nil }
    return values
  }

  var object: [String: JSONValue]? {
    guard case .mapping(let members) = self else { return nil }
    return members
  }
}
