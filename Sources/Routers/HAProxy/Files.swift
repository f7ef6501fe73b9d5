import Foundation
import Glibc
import PlatformKit

/// Files as the router needs them: whole and on disk, or unchanged.
enum Files {
  /// The content; nil when there is no such file.
  static func read(_ path: String) throws(PlatformError) -> String? {
    do {
      return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      return nil
    } catch {
      throw .transient("cannot read \(path): \(error.localizedDescription)")
    }
  }

  /// Replaces the file in one instant; on disk when this returns.
  static func write(_ text: String, _ path: String) throws(PlatformError) {
    let part = path + ".part"
    let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failed("create", part) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      guard count > 0 || errno == EINTR else { throw failed("write", part) }
      done += max(0, count)
    }
    guard fsync(descriptor) == 0 else { throw failed("write", part) }
    guard rename(part, path) == 0 else { throw failed("replace", path) }
    try settle(path)
  }

  /// Moves a file; a missing one is no error.
  static func move(_ path: String, to other: String) throws(PlatformError) {
    guard rename(path, other) == 0 || errno == ENOENT else { throw failed("move", path) }
    try settle(path)
    try settle(other)
  }

  /// Removes a file; a missing one is no error.
  static func remove(_ path: String) throws(PlatformError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    try settle(path)
  }

  static func makeDirectory(_ path: String, mode: mode_t) throws(PlatformError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .transient("cannot create \(path): \(error.localizedDescription)")
    }
    guard chmod(path, mode) == 0 else { throw failed("protect", path) }
  }

  /// Names in a directory, sorted; a missing one is empty.
  static func names(in directory: String) throws(PlatformError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      return []
    } catch {
      throw .transient("cannot list \(directory): \(error.localizedDescription)")
    }
  }

  /// Makes the last change of the file's directory survive a power cut.
  private static func settle(_ path: String) throws(PlatformError) {
    let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
    let descriptor = open(String(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failed("open", String(directory)) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failed("sync", String(directory)) }
  }

  private static func failed(_ verb: String, _ path: String) -> PlatformError {
    .transient("cannot \(verb) \(path): \(lastError())")
  }
}
