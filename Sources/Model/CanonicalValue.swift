/// A value with exactly one written form: what digests and certificates are computed over.
///
/// There are no floating-point numbers, object keys are sorted by their UTF-8 bytes, and nothing
/// that is absent is written. Platforms use it for the parts of a spec that only they understand.
package indirect enum CanonicalValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case string(String)
  case array([CanonicalValue])
  case object([String: CanonicalValue])

  /// The canonical JSON text: no white space, sorted keys, only the escapes JSON demands.
  package var json: String {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  package subscript(_ key: String) -> CanonicalValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  package var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  package var integer: Int? {
    guard case .integer(let value) = self else { return nil }
    return value
  }

  package var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  package var array: [CanonicalValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  package var object: [String: CanonicalValue]? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// An object of the members whose value is present.
  package static func present(_ members: [String: CanonicalValue?]) -> CanonicalValue {
    .object(members.compactMapValues { $0 })
  }

  private func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .integer(let value): bytes.append(contentsOf: String(value).utf8)
    case .string(let value): Self.write(value, into: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      let keys = members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for (index, key) in keys.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.write(key, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        members[key]?.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// The text as a JSON string.
  static func write(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { units in
      // Most of a text, and often all of it, goes as it is.
      var start = 0
      for (place, byte) in units.enumerated() {
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 else {
          continue
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: units[start..<place]))
        start = place + 1
        if byte < 0x20 {
          bytes += Array("\\u00\(hexadecimal([byte]))".utf8)
        } else {
          bytes.append(UInt8(ascii: "\\"))
          bytes.append(byte)
        }
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: units[start...]))
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension CanonicalValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: CanonicalValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, CanonicalValue)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
}

extension CanonicalValue: Codable {
  package init(from decoder: any Decoder) throws {
    if let node = (decoder as? NodeDecoder)?.node, let value = CanonicalValue(node) {
      self = value
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([CanonicalValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: CanonicalValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }
}
