import CHost
import Glibc
import KeeperKit

/// What names and links of an archive may be; lexical, because nothing is followed.
enum ArchivePath {
  /// Without `./` and the last slash; nil for the root itself. Throws what must not be.
  static func normal(_ name: String) throws -> String? {
    guard !name.hasPrefix("/") else {
      throw Unpacking.Refusal(reason: "\"\(name)\" is an absolute path")
    }
    guard name.utf8.count <= 255 else {
      throw Unpacking.Refusal(reason: "a path is longer than 255 bytes")
    }
    guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else {
      throw Unpacking.Refusal(reason: "a path has control characters or a backslash")
    }
    let parts = name.split(separator: "/").filter { $0 != "." }
    guard !parts.contains("..") else {
      throw Unpacking.Refusal(reason: "\"\(name)\" has a part ..")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "/")
  }

  /// `../`s first and never more than there are directories above, then names: no chain of links
  /// can lead out of that.
  static func isInside(_ link: String, from path: String) -> Bool {
    guard !link.isEmpty, !link.hasPrefix("/"), link.utf8.count <= 255 else { return false }
    let parts = link.split(separator: "/", omittingEmptySubsequences: false)
    let ups = parts.prefix { $0 == ".." }.count
    let names = parts.dropFirst(ups)
    let depth = path.split(separator: "/").count - 1
    return ups <= depth && !names.isEmpty
      && names.allSatisfy { !$0.isEmpty && $0 != ".." && $0 != "." }
  }
}

/// Everything on the directory's file system is on disk.
func isSynced(_ directory: Descriptor) -> Bool { chost_syncfs(directory.number) == 0 }
