import CHost
import FoundationEssentials
import Glibc

/// An open file descriptor, closed when it goes out of scope.
package final class Descriptor: Sendable {
  package let number: Int32

  package init(adopting number: Int32) { self.number = number }

  package init(open path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(HostError) {
    let result = chost_open(path, flags, mode)
    guard result >= 0 else { throw .system(what: "cannot open \(path)", errno: -result) }
    number = result
  }

  deinit { close(number) }
}

/// Small files, written so that a crash leaves the old content or the new, never half of it.
package enum HostFile {
  /// No file of ours is larger; a larger one was made by somebody else.
  private static let sizeLimit = 64 << 20

  /// The whole content; nil when there is no such file.
  package static func read(_ path: String) throws(HostError) -> [UInt8]? {
    let result = chost_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)
    if result == -ENOENT || result == -ENOTDIR { return nil }
    guard result >= 0 else { throw .system(what: "cannot open \(path)", errno: -result) }
    let file = Descriptor(adopting: result)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(file.number, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(what: "cannot read \(path)", errno: errno) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= sizeLimit else { throw .malformed(path: path, reason: "too large") }
    }
  }

  /// The content as text without white space at the ends; nil when there is no such file.
  package static func text(_ path: String) throws(HostError) -> String? {
    guard let bytes = try read(path) else { return nil }
    let trimmed = bytes.reversed().drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }
    return String(decoding: Array(trimmed), as: UTF8.self)
  }

  package static func decode<Value: Decodable>(
    _ type: Value.Type, from path: String
  ) throws(HostError) -> Value? {
    guard let bytes = try read(path) else { return nil }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw .malformed(path: path, reason: "is not the JSON expected there: \(error)")
    }
  }

  package static func json(_ value: some Encodable) throws(HostError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value))
    } catch {
      throw .malformed(path: "\(type(of: value))", reason: "cannot be written as JSON: \(error)")
    }
  }

  /// Replaces the file: on disk when the call returns, unless `isDurable` is false (a file whose
  /// loss in a power cut costs nothing).
  package static func write(
    _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600, isDurable: Bool = true
  ) throws(HostError) {
    try put(bytes, at: path, mode: mode, isDurable: isDurable) { temporary throws(HostError) in
      guard rename(temporary, path) == 0 else {
        throw .system(what: "cannot replace \(path)", errno: errno)
      }
    }
  }

  /// Writes a file that must not be there (errno EEXIST): whole, on disk, and of whoever was first.
  package static func create(
    _ bytes: [UInt8], at path: String, mode: UInt32 = 0o600
  ) throws(HostError) {
    try put(bytes, at: path, mode: mode, isDurable: true) { temporary throws(HostError) in
      try HostDirectory.rename(temporary, toNew: path)
    }
  }

  /// Writes it beside its place, and then puts it there.
  private static func put(
    _ bytes: [UInt8], at path: String, mode: UInt32, isDurable: Bool,
    _ place: (String) throws(HostError) -> Void
  ) throws(HostError) {
    let temporary = "\(path).new-\(getpid())"
    unlink(temporary)
    let file = try Descriptor(open: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
    do throws(HostError) {
      try writeAll(bytes, to: file, path)
      if isDurable, fsync(file.number) != 0 {
        throw .system(what: "cannot write \(path) to disk", errno: errno)
      }
      try place(temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    if isDurable { try syncDirectory(parent(of: path)) }
  }

  private static func writeAll(
    _ bytes: [UInt8], to file: Descriptor, _ path: String
  ) throws(HostError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system(what: "cannot write \(path)", errno: errno) }
      rest = rest.dropFirst(count)
    }
  }

  package static func syncDirectory(_ path: String) throws(HostError) {
    let directory = try Descriptor(open: path, O_RDONLY | O_DIRECTORY)
    guard fsync(directory.number) == 0 else {
      throw .system(what: "cannot write \(path) to disk", errno: errno)
    }
  }

  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }
}
