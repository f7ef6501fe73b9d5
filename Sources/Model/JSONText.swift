/// What JSON text says, before it is one of our types. Members keep the order of the text.
enum JSONNode {
  case null
  case bool(Bool)
  /// As written: nobody knows yet which type it is to be.
  case number(String)
  case string(String)
  case array([JSONNode])
  case object([(key: String, node: JSONNode)])
}

/// Reads JSON text into nodes.
struct JSONText {
  /// Deeper than anything that we write; whoever reads must not run out of stack.
  private static let depthLimit = 512

  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  /// Errors: `DecodingError.dataCorrupted` for anything but one JSON value.
  static func parse(_ text: String) throws -> JSONNode {
    var text = text
    return try text.withUTF8 { bytes in
      var parser = JSONText(bytes: bytes)
      let node = try parser.node(depth: 0)
      parser.skipSpace()
      guard parser.place == bytes.count else { throw parser.wrong("more than one value") }
      return node
    }
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func wrong(_ what: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: [], debugDescription: "JSON: \(what) at byte \(place)"))
  }

  private mutating func skipSpace() {
    while place < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[place]) { place += 1 }
  }

  /// The next byte that is no white space, taken.
  private mutating func next() throws -> UInt8 {
    if place < bytes.count, bytes[place] > 0x20 {
      place += 1
      return bytes[place - 1]
    }
    skipSpace()
    guard place < bytes.count else { throw wrong("it ends too early") }
    place += 1
    return bytes[place - 1]
  }

  private mutating func node(depth: Int) throws -> JSONNode {
    guard depth < Self.depthLimit else { throw wrong("it is nested too deeply") }
    switch try next() {
    case UInt8(ascii: "{"): return .object(try members(depth: depth))
    case UInt8(ascii: "["): return .array(try elements(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("rue", .bool(true))
    case UInt8(ascii: "f"): return try word("alse", .bool(false))
    case UInt8(ascii: "n"): return try word("ull", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(number())
    default: throw wrong("no value")
    }
  }

  private mutating func members(depth: Int) throws -> [(key: String, node: JSONNode)] {
    var members: [(key: String, node: JSONNode)] = []
    var byte = try next()
    if byte == UInt8(ascii: "}") { return members }
    while true {
      guard byte == UInt8(ascii: "\"") else { throw wrong("no key") }
      let key = try string()
      guard try next() == UInt8(ascii: ":") else { throw wrong("no colon") }
      members.append((key, try node(depth: depth + 1)))
      byte = try next()
      if byte == UInt8(ascii: "}") { return members }
      guard byte == UInt8(ascii: ",") else { throw wrong("no comma") }
      byte = try next()
    }
  }

  private mutating func elements(depth: Int) throws -> [JSONNode] {
    var elements: [JSONNode] = []
    if try next() == UInt8(ascii: "]") { return elements }
    place -= 1
    while true {
      elements.append(try node(depth: depth + 1))
      let byte = try next()
      if byte == UInt8(ascii: "]") { return elements }
      guard byte == UInt8(ascii: ",") else { throw wrong("no comma") }
    }
  }

  private mutating func word(_ rest: StaticString, _ node: JSONNode) throws -> JSONNode {
    for index in 0..<rest.utf8CodeUnitCount {
      guard place < bytes.count, bytes[place] == rest.utf8Start[index] else {
        throw wrong("no value")
      }
      place += 1
    }
    return node
  }

  private mutating func number() -> String {
    let start = place - 1
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"),
        UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        place += 1
      default: return text(start..<place)
      }
    }
    return text(start..<place)
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
  }

  /// What stands up to the closing quote; the opening one has been taken.
  private mutating func string() throws -> String {
    let start = place
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        place += 1
        return text(start..<place - 1)
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw wrong("a control character")
      default: place += 1
      }
    }
    throw wrong("a text without an end")
  }

  private mutating func escapedString(from start: Int) throws -> String {
    var units = Array(bytes[start..<place])
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"): units += Array(String(try escape()).utf8)
      case 0..<0x20: throw wrong("a control character")
      default: units.append(byte)
      }
    }
    throw wrong("a text without an end")
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard place < bytes.count else { throw wrong("a text without an end") }
    place += 1
    switch bytes[place - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicode()
    default: throw wrong("an unknown escape")
    }
  }

  private mutating func unicode() throws -> Unicode.Scalar {
    let high = try hexadecimalUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard high < 0xDC00, place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
      bytes[place + 1] == UInt8(ascii: "u")
    else { throw wrong("half a character") }
    place += 2
    let low = try hexadecimalUnit()
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(
        0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
    else { throw wrong("half a character") }
    return scalar
  }

  private mutating func hexadecimalUnit() throws -> UInt16 {
    guard place + 4 <= bytes.count, let unit = UInt16(text(place..<place + 4), radix: 16),
      bytes[place] != UInt8(ascii: "+")
    else { throw wrong("an unknown escape") }
    place += 4
    return unit
  }
}
