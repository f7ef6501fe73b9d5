import CHost
import Glibc
import KeeperKit

/// What names and links of an archive may be; lexical, because nothing is followed.
enum ArchivePath {
  /// Longest whole path and link target in bytes: with the stack's own directory in front it
  /// stays below the kernel's 4096.
  private static let longest = 2048
  /// Deeper trees are none that people make; readers of the release recurse this deep.
  private static let deepest = 100

  /// Without `./` and the last slash; nil for the root itself. Throws what must not be.
  static func normal(_ name: String) throws -> String? {
    guard name.utf8.count <= longest else {
      throw Unpacking.Refusal(reason: "a path is longer than \(longest) bytes")
    }
    // First, so that no message carries them to a terminal.
    guard isPrintable(name) else {
      throw Unpacking.Refusal(reason: "a path has control characters or a backslash")
    }
    guard !name.hasPrefix("/") else {
      throw Unpacking.Refusal(reason: "\"\(name)\" is an absolute path")
    }
    let parts = name.split(separator: "/").filter { $0 != "." }
    guard !parts.contains("..") else {
      throw Unpacking.Refusal(reason: "\"\(name)\" has a part ..")
    }
    guard parts.count <= deepest, parts.allSatisfy({ $0.utf8.count <= 255 }) else {
      throw Unpacking.Refusal(
        reason: "\"\(name)\" is deeper than \(deepest) parts, or one is over 255 bytes")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "/")
  }

  static func isPrintable(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
  }

  /// `../`s first and never more than there are directories above, then names: no chain of links
  /// can lead out of that.
  static func isInside(_ link: String, from path: String) -> Bool {
    guard !link.isEmpty, !link.hasPrefix("/"), link.utf8.count <= longest else { return false }
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
