import Foundation
import Support

/// Answers to a fetch that hold no honest pack.
enum Packs {
  /// `honest`: what a server would have said.
  static func answer(_ kind: String, honest: [UInt8]) -> [UInt8] {
    guard let start = honest.firstRange(of: Array("PACK".utf8))?.lowerBound else { return honest }
    switch kind {
    case "html": return Array("<html>maintenance</html>".utf8)
    case "truncated": return Array(honest.prefix((start + honest.count) / 2))
    case "flipped":
      var bytes = honest
      for index in stride(from: start + 20, to: bytes.count - 30, by: 11) { bytes[index] ^= 0x40 }
      return bytes
    case "trailing-garbage": return side(pack(of: honest) + Array(repeating: 0x41, count: 1000))
    case "wrong-checksum":
      var bytes = pack(of: honest)
      bytes[bytes.count - 1] ^= 1
      return side(bytes)
    case "wrong-count":
      var bytes = pack(of: honest)
      bytes[11] &+= 3
      return side(signed(Array(bytes.dropLast(20))))
    case "wrong-version":
      var bytes = pack(of: honest)
      bytes[7] = 9
      return side(signed(Array(bytes.dropLast(20))))
    default: return side(signed(made(kind)))
    }
  }

  private static func made(_ kind: String) -> [UInt8] {
    let blob = header(3, size: 6) + stored(Array("hello\n".utf8))
    switch kind {
    case "empty": return head(0)
    case "without-commit": return head(1) + blob
    case "delta-of-nothing":
      return head(1) + header(7, size: 6) + Array(repeating: 0x77, count: 20) + stored(delta(6, 6))
    case "delta-of-itself": return head(1) + header(6, size: 6) + [0] + stored(delta(6, 6))
    case "bomb":
      // 4 GiB − 1 from a base of 6 bytes, by a few copies of it.
      let size = 0xFFFF_FFFF
      let delta = number(6) + number(size) + Array(repeating: [0x90, 6], count: 200).flatMap { $0 }
      return head(2) + blob + header(6, size: delta.count) + number(blob.count) + stored(delta)
    case "huge-blob": return head(1) + header(3, size: 0xFFFF_FFFF) + stored(Array("x".utf8))
    default: return head(0)
    }
  }

  // MARK: - Forms

  private static func head(_ count: Int) -> [UInt8] {
    Array("PACK".utf8) + [0, 0, 0, 2, 0, 0, 0, UInt8(count)]
  }

  /// The kind and size of an object.
  private static func header(_ kind: UInt8, size: Int) -> [UInt8] {
    var rest = size >> 4
    var bytes = [kind << 4 | UInt8(size & 15) | (rest > 0 ? 0x80 : 0)]
    while rest > 0 {
      bytes.append(UInt8(rest & 0x7F) | (rest >> 7 > 0 ? 0x80 : 0))
      rest >>= 7
    }
    return bytes
  }

  /// Seven bits at a time.
  private static func number(_ value: Int) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest >> 7 > 0 ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  private static func delta(_ from: Int, _ to: Int) -> [UInt8] {
    number(from) + number(to) + [0x90, UInt8(to)]
  }

  /// zlib's form without compression.
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt16(bytes.count)
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    let sum = b << 16 | a
    return [0x78, 0x01, 1] + [UInt8(count & 255), UInt8(count >> 8)]
      + [UInt8(~count & 255), UInt8(~count >> 8)] + bytes
      + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
  }

  private static func signed(_ bytes: [UInt8]) -> [UInt8] {
    guard let sum = try? sha1(bytes) else { return bytes }
    return bytes + sum
  }

  private static func sha1(_ bytes: [UInt8]) throws -> [UInt8] {
    TreeLine.digits(String(try Tool.run(["sha1sum"], input: bytes).prefix(40)))
  }

  /// In packets of the first side band.
  private static func side(_ pack: [UInt8]) -> [UInt8] {
    var bytes = Array(Packet.line("NAK\n").utf8)
    var rest = pack[...]
    while !rest.isEmpty {
      let part = rest.prefix(60_000)
      let digits = String(part.count + 5, radix: 16)
      bytes += (String(repeating: "0", count: 4 - digits.count) + digits).utf8
      bytes.append(1)
      bytes += part
      rest = rest.dropFirst(part.count)
    }
    return bytes + "0000".utf8
  }

  /// The pack in an honest answer.
  private static func pack(of answer: [UInt8]) -> [UInt8] {
    var pack: [UInt8] = []
    var rest = answer[...]
    while rest.count >= 4,
      let size = Int(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16)
    {
      guard size > 4 else {
        rest = rest.dropFirst(4)
        continue
      }
      let part = rest.prefix(size).dropFirst(4)
      if part.first == 1 { pack += part.dropFirst() }
      rest = rest.dropFirst(size)
    }
    return pack
  }
}
