import Model
import PlatformKit

/// What is checked of a file's bytes before the YAML parser sees them.
enum YAMLText {
  /// More is an attack, not a manifest.
  private static let largestFile = 1 << 20
  /// libyaml gives up at 1,000 levels by itself; a file of our own has far fewer.
  private static let deepestFlow = 500

  /// Whether one of the documents may be ours: files of other tools are none of our business, not
  /// even when they are not YAML.
  ///
  /// NUL bytes are skipped: a manifest saved as UTF-16 must be refused, not taken for absent,
  /// because absence removes targets.
  static func mentionsUs(_ bytes: [UInt8]) -> Bool {
    let mark = Array("viridian.dev/".utf8)
    if bytes.firstRange(of: mark) != nil { return true }
    return bytes.contains(0) && bytes.filter { $0 != 0 }.firstRange(of: mark) != nil
  }

  /// The text of a file, or why it cannot be read.
  static func decode(_ bytes: [UInt8], _ file: String) -> Result<String, YAMLReader.Unreadable> {
    func refuse(_ message: String, line: Int = 0) -> Result<String, YAMLReader.Unreadable> {
      .failure(.init(diagnostic: Diagnostic(file: file, line: line, message: message)))
    }
    guard bytes.count <= largestFile else { return refuse("is larger than 1 MiB") }
    let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE]]
    guard !marks.contains(where: bytes.starts(with:)) else {
      return refuse("begins with a byte order mark; save it as UTF-8 without one")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { return refuse("is not UTF-8") }
    if let (character, line) = invisible(text) {
      let code = String(character.value, radix: 16, uppercase: true)
      return refuse("has the invisible character U+\(code); remove it", line: line)
    }
    guard !isDeeplyNested(bytes) else { return refuse("is nested too deeply") }
    if let name = expandingName(bytes) {
      return refuse("anchors and aliases are not allowed (\"&\(name)\", \"*\(name)\")")
    }
    return .success(text)
  }

  /// The first control character or character that turns the direction of text, with its line.
  ///
  /// Also the line breaks that YAML knows besides `\n`: lines would be counted in two ways.
  private static func invisible(_ text: String) -> (Unicode.Scalar, line: Int)? {
    var line = 1
    var previous: Unicode.Scalar = "\n"
    for scalar in text.unicodeScalars {
      if previous == "\r", scalar != "\n" { return (previous, line) }
      switch scalar.value {
      case 0x0A: line += 1
      case 0x09, 0x0D: break
      case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF: return (scalar, line)
      default: if scalar.properties.isBidiControl { return (scalar, line) }
      }
      previous = scalar
    }
    return previous == "\r" ? (previous, line) : nil
  }

  private static func isDeeplyNested(_ bytes: [UInt8]) -> Bool {
    var depth = 0
    for byte in bytes {
      if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
      if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { depth = max(0, depth - 1) }
      if depth > deepestFlow { return true }
    }
    return false
  }

  /// A name that stands both behind `&` and behind `*` where YAML may see an anchor and an alias.
  ///
  /// Aliases must not reach the parser: it hashes the keys of mappings, and a key made of aliases
  /// of aliases takes exponential time. Without such a pair nothing can expand; a lone anchor is
  /// refused after parsing, a lone alias by the parser.
  private static func expandingName(_ bytes: [UInt8]) -> String? {
    var names: [UInt8: Set<String>] = [:]
    var previous = UInt8(ascii: "\n")
    for (index, byte) in bytes.enumerated() {
      let isMark = byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")
      if isMark, tokenStarts.contains(previous) {
        let name = bytes[(index + 1)...].prefix(while: isNameByte)
        if !name.isEmpty { names[byte, default: []].insert(String(decoding: name, as: UTF8.self)) }
      }
      previous = byte
    }
    let anchors = names[UInt8(ascii: "&")] ?? []
    return names[UInt8(ascii: "*")]?.intersection(anchors).min()
  }

  /// What may stand directly before a token.
  private static let tokenStarts = Set(" \t\r\n[]{},:?-\"'".utf8)

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
  }
}
