import CGit2
import Glibc

/// The libgit2 that this program runs with, as far as it can be told.
package struct GitLibraryVersion: Hashable, Sendable, CustomStringConvertible {
  /// `1.5.1`, as the library says it of itself.
  package var numbers: [Int]
  /// The version of the Debian package whose file is loaded; nil where there is none. Debian
  /// repairs without new numbers, so that only this tells.
  package var package: String?

  package init(numbers: [Int], package: String? = nil) {
    self.numbers = numbers
    self.package = package
  }

  /// `1.5.1 (Debian 1.5.1+ds-1+deb12u2)`.
  package var description: String {
    let version = numbers.map(String.init).joined(separator: ".")
    return version + (package.map { " (Debian \($0))" } ?? "")
  }

  /// The first release without a hole that is known and reachable for a hostile repository.
  private static let repaired = [1, 9, 7]
  /// Debian 12's build with the same repairs, from this update on.
  private static let repairedBuild = (prefix: "1.5.1+ds-1+deb12u", update: 2)

  /// What is wrong with it, for people; nil for one that is known to be repaired.
  package var problem: String? {
    guard numbers.lexicographicallyPrecedes(Self.repaired), !isRepairedBuild else { return nil }
    return
      "libgit2 \(self) is not known to be repaired: hostile repositories may reach known holes "
      + "in it; install 1.9.7 or newer, or Debian 12's "
      + "\(Self.repairedBuild.prefix)\(Self.repairedBuild.update) or newer"
  }

  private var isRepairedBuild: Bool {
    guard let package, package.hasPrefix(Self.repairedBuild.prefix) else { return false }
    let rest = package.dropFirst(Self.repairedBuild.prefix.count).prefix(while: \.isNumber)
    return Int(rest).map { $0 >= Self.repairedBuild.update } ?? false
  }

  /// What is loaded. `maps` and `dpkg`: where the kernel lists this process's files, and where
  /// Debian's package manager keeps its books; what is not there leaves `package` nil.
  package static func linked(
    maps: String = "/proc/self/maps", dpkg: String = "/var/lib/dpkg"
  ) -> GitLibraryVersion {
    var (major, minor, revision): (Int32, Int32, Int32) = (0, 0, 0)
    git_libgit2_version(&major, &minor, &revision)
    return GitLibraryVersion(
      numbers: [Int(major), Int(minor), Int(revision)],
      package: loadedFile(maps).flatMap { package(owning: $0, dpkg) })
  }

  private static func loadedFile(_ maps: String) -> String? {
    lines(of: maps, limit: 4 << 20).lazy.filter { $0.contains("/libgit2.so") }
      .compactMap { line in line.firstIndex(of: "/").map { String(line[$0...]) } }.first
  }

  /// The version of the package that brought the file.
  private static func package(owning file: String, _ dpkg: String) -> String? {
    let list = names(in: "\(dpkg)/info").first { name in
      name.hasPrefix("libgit2") && name.hasSuffix(".list")
        && lines(of: "\(dpkg)/info/\(name)", limit: 1 << 20).contains(file[...])
    }
    guard let name = list?.dropLast(".list".count).prefix(while: { $0 != ":" }) else { return nil }
    guard let status = readWhole("\(dpkg)/status", limit: 64 << 20) else { return nil }
    return version(of: Array("Package: \(name)".utf8), in: status)
  }

  /// By bytes: the book is long, and every start of the agent reads it.
  private static func version(of package: [UInt8], in status: [UInt8]) -> String? {
    let field = Array("Version: ".utf8)
    return status.withUnsafeBytes { bytes in
      var (rest, isMeant) = (bytes[...], false)
      while !rest.isEmpty {
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        let line = rest[..<end]
        if line.elementsEqual(package) { isMeant = true }
        if isMeant, line.starts(with: field) {
          return String(decoding: line.dropFirst(field.count), as: UTF8.self)
        }
        if line.isEmpty { isMeant = false }
        rest = rest[min(end + 1, rest.endIndex)...]
      }
      return nil
    }
  }

  private static func lines(of path: String, limit: Int) -> [Substring] {
    guard let bytes = readWhole(path, limit: limit) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
