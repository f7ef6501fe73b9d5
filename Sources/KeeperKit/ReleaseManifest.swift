import Crypto
import Glibc

/// What a release held when it was unpacked, written outside of it.
package struct ReleaseManifest: Hashable, Codable, Sendable {
  package struct Entry: Hashable, Codable, Sendable {
    package enum Kind: String, Codable, Sendable {
      case file
      case directory
      case link
    }
    /// Relative to the release, with `/` between parts.
    package var path: String
    package var kind: Kind
    /// Permission bits, in octal; empty for links.
    package var mode: String
    /// SHA-256 of a file in hexadecimal digits, target of a link, empty for a directory.
    package var content: String
    package init(path: String, kind: Kind, mode: String, content: String) {
      self.path = path
      self.kind = kind
      self.mode = mode
      self.content = content
    }
  }

  /// Sorted by path.
  package var entries: [Entry]
  package init(entries: [Entry]) { self.entries = entries }
}

/// SHA-256 of whole files.
package enum FileHash {
  /// The digest of everything from the descriptor's position on, in hexadecimal digits.
  package static func sha256(_ file: Descriptor, _ path: String) throws(HostError) -> String {
    var hash = SHA256()
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = read(file.number, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(what: "cannot read \(path)", errno: errno) }
      if count == 0 { break }
      chunk.withUnsafeBytes { hash.update(bufferPointer: .init(rebasing: $0[..<count])) }
    }
    return hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
