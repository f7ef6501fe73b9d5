/// JSON without white space, keys sorted by their UTF-8 bytes: one form for each value, but for a
/// dictionary whose keys are no strings. Foundation's encoder takes several times as long.
package enum CanonicalJSON {
  /// Errors: those of the value; a number that is not finite.
  package static func text(_ value: some Encodable) throws -> String {
    let node = try Node(value)
    var bytes: [UInt8] = []
    // A record of a target with two stacks takes about four thousand.
    bytes.reserveCapacity(4096)
    node.write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What was encoded, before it is written: keys come in any order.
private enum Node {
  case literal(String)
  case string(String)
  case array(Elements)
  case object(Members)

  init(_ value: some Encodable) throws {
    let slot = Slot()
    try value.encode(to: NodeEncoder(slot: slot, codingPath: []))
    self = slot.node ?? .object(Members())
  }

  func write(into bytes: inout [UInt8]) {
    switch self {
    case .literal(let text): bytes.append(contentsOf: text.utf8)
    case .string(let text): CanonicalValue.write(text, into: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, slot) in elements.all.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        slot.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        CanonicalValue.write(member.key, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.slot.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

/// Where one value goes: it is filled while its owner encodes.
private final class Slot {
  var node: Node?
  init(_ node: Node? = nil) { self.node = node }

  /// A type that encodes nothing is an empty object.
  func write(into bytes: inout [UInt8]) { (node ?? .object(Members())).write(into: &bytes) }

  /// The object or array that stands here; a second container of one encoder goes on with it.
  var members: Members {
    if case .object(let members) = node { return members }
    let members = Members()
    node = .object(members)
    return members
  }

  var elements: Elements {
    if case .array(let elements) = node { return elements }
    let elements = Elements()
    node = .array(elements)
    return elements
  }
}

private final class Elements { var all: [Slot] = [] }

private final class Members {
  var all: [(key: String, slot: Slot)] = []

  var sorted: [(key: String, slot: Slot)] {
    all.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }
}

private struct NodeEncoder: Encoder {
  let slot: Slot
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(Object<Key>(members: slot.members))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer { Sequence(elements: slot.elements) }

  func singleValueContainer() -> any SingleValueEncodingContainer { Single(slot: slot) }
}

/// The nodes of what Codable encodes itself; everything else goes through its own `encode(to:)`.
extension Node {
  fileprivate static func leaf(_ value: some BinaryInteger) -> Node { .literal(String(value)) }

  fileprivate static func leaf(_ value: Bool) -> Node { .literal(value ? "true" : "false") }

  fileprivate static var null: Node { .literal("null") }

  /// The shortest text that reads back as the same number.
  fileprivate static func leaf(_ value: some BinaryFloatingPoint) throws -> Node {
    guard value.isFinite else {
      throw EncodingError.invalidValue(
        value, .init(codingPath: [], debugDescription: "\(value) has no form in JSON"))
    }
    return .literal("\(value)")
  }
}

private struct Object<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let members: Members
  var codingPath: [any CodingKey] { [] }

  private func add(_ node: Node, _ key: Key) { members.all.append((key.stringValue, Slot(node))) }

  func encodeNil(forKey key: Key) { add(.null, key) }
  func encode(_ value: Bool, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: String, forKey key: Key) { add(.string(value), key) }
  func encode(_ value: Double, forKey key: Key) throws { add(try .leaf(value), key) }
  func encode(_ value: Float, forKey key: Key) throws { add(try .leaf(value), key) }
  func encode(_ value: Int, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: Int8, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: Int16, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: Int32, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: Int64, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: UInt, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: UInt8, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: UInt16, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: UInt32, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: UInt64, forKey key: Key) { add(.leaf(value), key) }
  func encode(_ value: some Encodable, forKey key: Key) throws { add(try Node(value), key) }

  func nestedContainer<Other: CodingKey>(
    keyedBy type: Other.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Other> {
    let inner = Members()
    add(.object(inner), key)
    return KeyedEncodingContainer(Object<Other>(members: inner))
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    let inner = Elements()
    add(.array(inner), key)
    return Sequence(elements: inner)
  }

  func superEncoder() -> any Encoder { superEncoder(named: "super") }
  func superEncoder(forKey key: Key) -> any Encoder { superEncoder(named: key.stringValue) }

  private func superEncoder(named name: String) -> any Encoder {
    let slot = Slot()
    members.all.append((name, slot))
    return NodeEncoder(slot: slot, codingPath: [])
  }
}

private struct Sequence: UnkeyedEncodingContainer {
  let elements: Elements
  var codingPath: [any CodingKey] { [] }
  var count: Int { elements.all.count }

  private func add(_ node: Node) { elements.all.append(Slot(node)) }

  func encodeNil() { add(.null) }
  func encode(_ value: Bool) { add(.leaf(value)) }
  func encode(_ value: String) { add(.string(value)) }
  func encode(_ value: Double) throws { add(try .leaf(value)) }
  func encode(_ value: Float) throws { add(try .leaf(value)) }
  func encode(_ value: Int) { add(.leaf(value)) }
  func encode(_ value: Int8) { add(.leaf(value)) }
  func encode(_ value: Int16) { add(.leaf(value)) }
  func encode(_ value: Int32) { add(.leaf(value)) }
  func encode(_ value: Int64) { add(.leaf(value)) }
  func encode(_ value: UInt) { add(.leaf(value)) }
  func encode(_ value: UInt8) { add(.leaf(value)) }
  func encode(_ value: UInt16) { add(.leaf(value)) }
  func encode(_ value: UInt32) { add(.leaf(value)) }
  func encode(_ value: UInt64) { add(.leaf(value)) }
  func encode(_ value: some Encodable) throws { add(try Node(value)) }

  func nestedContainer<Other: CodingKey>(
    keyedBy type: Other.Type
  ) -> KeyedEncodingContainer<Other> {
    let inner = Members()
    add(.object(inner))
    return KeyedEncodingContainer(Object<Other>(members: inner))
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    let inner = Elements()
    add(.array(inner))
    return Sequence(elements: inner)
  }

  func superEncoder() -> any Encoder {
    let slot = Slot()
    elements.all.append(slot)
    return NodeEncoder(slot: slot, codingPath: [])
  }
}

private struct Single: SingleValueEncodingContainer {
  let slot: Slot
  var codingPath: [any CodingKey] { [] }

  func encodeNil() { slot.node = .null }
  func encode(_ value: Bool) { slot.node = .leaf(value) }
  func encode(_ value: String) { slot.node = .string(value) }
  func encode(_ value: Double) throws { slot.node = try .leaf(value) }
  func encode(_ value: Float) throws { slot.node = try .leaf(value) }
  func encode(_ value: Int) { slot.node = .leaf(value) }
  func encode(_ value: Int8) { slot.node = .leaf(value) }
  func encode(_ value: Int16) { slot.node = .leaf(value) }
  func encode(_ value: Int32) { slot.node = .leaf(value) }
  func encode(_ value: Int64) { slot.node = .leaf(value) }
  func encode(_ value: UInt) { slot.node = .leaf(value) }
  func encode(_ value: UInt8) { slot.node = .leaf(value) }
  func encode(_ value: UInt16) { slot.node = .leaf(value) }
  func encode(_ value: UInt32) { slot.node = .leaf(value) }
  func encode(_ value: UInt64) { slot.node = .leaf(value) }
  func encode(_ value: some Encodable) throws { slot.node = try Node(value) }
}
