package import Crypto

/// A SHA-256, written `sha256:<64 hexadecimal digits>`. Kept as its 32 bytes: an agent holds a dozen
/// of each target.
package struct Digest: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  /// Eight bytes each, the first one highest, so that they compare like the text.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// 64 lower-case hexadecimal digits.
  package var hex: String {
    String(unsafeUninitializedCapacity: 64) { buffer in
      var place = 0
      for word in [words.0, words.1, words.2, words.3] {
        for shift in stride(from: 60, through: 0, by: -4) {
          let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
          buffer[place] = digit < 10 ? 0x30 + digit : 0x57 + digit
          place += 1
        }
      }
      return place
    }
  }

  /// nil unless `hex` is 64 lower-case hexadecimal digits.
  package init?(hex: String) {
    var words: [UInt64] = [0, 0, 0, 0]
    var count = 0
    for digit in hex.utf8 {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x61...0x66: value = digit - 0x57
      default: return nil
      }
      guard count < 64 else { return nil }
      words[count / 16] = words[count / 16] << 4 | UInt64(value)
      count += 1
    }
    guard count == 64 else { return nil }
    self.words = (words[0], words[1], words[2], words[3])
  }

  package init(_ digest: SHA256.Digest) {
    words = digest.withUnsafeBytes { bytes in
      func word(_ index: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
      }
      return (word(0), word(1), word(2), word(3))
    }
  }

  /// The digest of the text's UTF-8 bytes.
  package static func of(_ text: String) -> Digest { of(Array(text.utf8)) }

  /// The digest of the bytes.
  package static func of(_ bytes: [UInt8]) -> Digest { Digest(SHA256.hash(data: bytes)) }

  package static func == (a: Self, b: Self) -> Bool { a.words == b.words }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }

  package var description: String { "sha256:\(hex)" }
  /// The first twelve digits, for people.
  package var short: String { String(hex.prefix(12)) }
  package static func < (a: Self, b: Self) -> Bool { a.words < b.words }

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
