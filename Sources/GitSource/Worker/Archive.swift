/// A tar archive with one possible form for one tree: sorted, no times, no owners, modes 0644 and
/// 0755, long names as pax records.
struct Archive {
  private(set) var bytes: [UInt8] = []

  mutating func directory(_ path: String) { header(path + "/", "5", mode: 0o755, size: 0) }

  mutating func symlink(_ path: String, to target: String) {
    header(path, "2", mode: 0o777, size: 0, link: target)
  }

  mutating func file(_ path: String, _ content: [UInt8], isExecutable: Bool) {
    header(path, "0", mode: isExecutable ? 0o755 : 0o644, size: content.count)
    bytes += content
    pad()
  }

  mutating func finish() { bytes += [UInt8](repeating: 0, count: 1024) }

  private mutating func header(
    _ path: String, _ type: Character, mode: Int, size: Int, link: String = ""
  ) {
    if path.utf8.count > 100 || link.utf8.count > 100 { pax(path, link) }
    bytes += Self.block(path, type, mode: mode, size: size, link: link)
  }

  private mutating func pax(_ path: String, _ link: String) {
    let records = Self.record("path", path) + (link.isEmpty ? "" : Self.record("linkpath", link))
    bytes += Self.block("PaxHeaders", "x", mode: 0o644, size: records.utf8.count, link: "")
    bytes += Array(records.utf8)
    pad()
  }

  /// `<length> path=value\n`, where the length counts itself.
  private static func record(_ key: String, _ value: String) -> String {
    let rest = " \(key)=\(value)\n"
    var length = rest.utf8.count
    while String(length).utf8.count + rest.utf8.count != length {
      length = String(length).utf8.count + rest.utf8.count
    }
    return "\(length)\(rest)"
  }

  private mutating func pad() {
    bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  private static func block(
    _ path: String, _ type: Character, mode: Int, size: Int, link: String
  ) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int, width: Int) {
      for (index, byte) in text.utf8.prefix(width).enumerated() { block[offset + index] = byte }
    }
    func octal(_ value: Int, _ digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    put(path, at: 0, width: 100)
    put(octal(mode, 7), at: 100, width: 7)
    put(octal(0, 7), at: 108, width: 7)
    put(octal(0, 7), at: 116, width: 7)
    put(octal(size, 11), at: 124, width: 11)
    put(octal(0, 11), at: 136, width: 11)
    put(String(type), at: 156, width: 1)
    put(link, at: 157, width: 100)
    put("ustar", at: 257, width: 5)
    put("00", at: 263, width: 2)
    // The checksum counts its own field as spaces.
    put("        ", at: 148, width: 8)
    put(octal(block.reduce(0) { $0 + Int($1) }, 6) + "\0 ", at: 148, width: 8)
    return block
  }
}
