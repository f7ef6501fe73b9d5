import PlatformKit

/// A query with values in the place of `${name}`.
enum QueryText {
  /// Values are written as the inside of a string of PromQL, in which they can end nothing. Errors: a name
  /// that nobody knows; a value inside backticks, in which nothing can be escaped.
  static func filled(
    _ query: String, _ values: [String: String]
  ) throws(PlatformError) -> String {
    var text = ""
    var rest = query[...]
    while let begin = rest.firstRange(of: "${") {
      text += rest[..<begin.lowerBound]
      guard let end = rest[begin.upperBound...].firstIndex(of: "}") else {
        throw .rejected(fault: .stack, "the query has a ${ without its }")
      }
      let name = String(rest[begin.upperBound..<end])
      guard let value = values[name] else {
        let known = values.keys.sorted().joined(separator: ", ")
        throw .rejected(fault: .stack, "the query has ${\(name)}; known are \(known)")
      }
      guard isQuoted(text) else {
        throw .rejected(fault: .stack, "${\(name)} stands outside of \"…\" or '…' in the query")
      }
      text += escaped(value)
      rest = rest[rest.index(after: end)...]
    }
    return text + rest
  }

  /// The text ends inside a string in which escapes work.
  private static func isQuoted(_ text: String) -> Bool {
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        isEscaped = false
      } else if let open = quote {
        if character == "\\", open != "`" { isEscaped = true }
        if character == open { quote = nil }
      } else if character == "\"" || character == "'" || character == "`" {
        quote = character
      }
    }
    return quote == "\"" || quote == "'"
  }

  private static func escaped(_ value: String) -> String {
    value.unicodeScalars.map { scalar in
      // A quote may be escaped by itself only in a string of that quote, by its number in any.
      let isPlain =
        scalar.value >= 0x20 && scalar.value != 0x7F && !"\\\"'".contains(Character(scalar))
      guard !isPlain else { return String(scalar) }
      return "\\x" + hex(UInt8(scalar.value))
    }.joined()
  }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  /// For the body of a form.
  static func formEncoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
      default: "%" + hex(byte)
      }
    }.joined()
  }
}
