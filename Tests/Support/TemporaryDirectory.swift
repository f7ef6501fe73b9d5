import Foundation
import Glibc

/// A directory of its own below `root`, removed with its last reference. Others may search it (0755),
/// because source workers run as another user.
package final class TemporaryDirectory: Sendable {
  /// What `.ci/test-group` chose, or /tmp: short, for the paths of sockets, and open to all.
  package static let root = getenv("VIRIDIAN_TEST_ROOT").map { String(cString: $0) } ?? "/tmp"

  package let path: String

  package init() throws {
    var template = Array("\(Self.root)/viridian-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SupportError("cannot make a directory in \(Self.root)")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chmod(path, 0o755)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path in it.
  package func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, making directories on the way; the answer is its path.
  @discardableResult
  package func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws -> String {
    let file = path(name)
    try writeFile(file, Array(text.utf8), mode: mode)
    return file
  }
}

/// Writes the bytes, making directories on the way.
package func writeFile(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws {
  var parent = ""
  for part in path.split(separator: "/").dropLast() {
    parent += "/\(part)"
    mkdir(parent, 0o755)
  }
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
  guard descriptor >= 0 else { throw SupportError("cannot write \(path)") }
  defer { close(descriptor) }
  fchmod(descriptor, mode)
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { throw SupportError("cannot write \(path)") }
    rest = rest.dropFirst(count)
  }
}

/// The bytes of a file.
package func readFile(_ path: String) throws -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw SupportError("cannot read \(path)") }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = read(descriptor, &part, part.count), count > 0 { bytes += part[..<count] }
  return bytes
}
