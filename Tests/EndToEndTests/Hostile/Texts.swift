/// Files of the corpus that nobody wants to read, by the name that the corpus gives them.
///
/// Each begins with a comment that names us, so that it is read at all.
enum Texts {
  static func bytes(_ words: String) throws -> [UInt8] {
    let parts = words.split(separator: " ").map(String.init)
    let count = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mark = "# viridian.dev/\n"
    if let bytes = encodings[parts[0]] { return bytes }
    guard let text = text(parts[0], count) else {
      throw Unexpected("Texts has no generator \"\(words)\"")
    }
    return Array((mark + text).utf8)
  }

  private static func text(_ name: String, _ count: Int) -> String? {
    switch name {
    case "laughs":
      "a0: &a0 [x]\n" + (1...9).map { "a\($0): &a\($0) [\(repeated("*a\($0 - 1)", 9))]\n" }.joined()
    case "laughs-in-keys":
      "a0: &a0 [x]\n"
        + (1...9).map { "a\($0): &a\($0) { [\(repeated("*a\($0 - 1)", 9))]: 1 }\n" }.joined()
    case "lists": String(repeating: "[", count: count)
    case "quoted-lists": String(repeating: "[ \"]\", ", count: count)
    case "dashes": String(repeating: "- ", count: count) + "a\n"
    case "questions": String(repeating: "? ", count: count) + "a\n"
    case "mappings":
      (0..<count).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    case "lists-and-ends":
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    case "scalar": "a: " + String(repeating: "b", count: count)
    case "keys": (0..<count).map { "\($0):\n" }.joined()
    case "documents": String(repeating: "---\na: b\n", count: count)
    case "json": "{\"a\":" + String(repeating: "{\"a\":", count: count)
    case "tabulator": "a:\n\t- b\n"
    case "carriage-return": "a: b\rc: d\n"
    case "nul": "a: b\u{0}\n"
    default: nil
    }
  }

  private static let document = Array(
    "apiVersion: viridian.dev/v1alpha1\nkind: Environment\nmetadata: { name: utf }\n".utf8)

  private static let encodings: [String: [UInt8]] = [
    "invalid-utf8": Array("# viridian.dev/\na: ".utf8) + [0xC3, 0x28],
    "overlong-slash": Array("# viridian.dev/\na: ".utf8) + [0xC0, 0xAF],
    "surrogate": Array("# viridian.dev/\na: ".utf8) + [0xED, 0xA0, 0x80],
    "byte-order-mark": [0xEF, 0xBB, 0xBF] + document,
    "utf16": document.flatMap { [$0, 0] },
    "utf16-mark": [0xFF, 0xFE] + document.flatMap { [$0, 0] },
  ]

  private static func repeated(_ text: String, _ count: Int) -> String {
    Array(repeating: text, count: count).joined(separator: ", ")
  }
}
