package import Crypto

/// A SHA-256, written `sha256:<64 hexadecimal digits>`.
package struct Digest: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hex: String

  /// nil unless `hex` is 64 lower-case hexadecimal digits.
  package init?(hex: String) {
    let isHex = hex.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    guard hex.utf8.count == 64, isHex else { return nil }
    self.hex = hex
  }

  package init(_ digest: SHA256.Digest) { hex = hexadecimal(digest) }

  /// The digest of the text's UTF-8 bytes.
  package static func of(_ text: String) -> Digest { of(Array(text.utf8)) }

  /// The digest of the bytes.
  package static func of(_ bytes: [UInt8]) -> Digest { Digest(SHA256.hash(data: bytes)) }

  package var description: String { "sha256:\(hex)" }
  /// The first twelve digits, for people.
  package var short: String { String(hex.prefix(12)) }
  package static func < (a: Self, b: Self) -> Bool { a.hex < b.hex }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard text.hasPrefix("sha256:"), let digest = Digest(hex: String(text.dropFirst(7))) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a digest: \(text)"))
    }
    self = digest
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// Lower-case hexadecimal digits of the bytes.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
