import Foundation
import Support

/// Both programs in a directory of their own, as a package installs them.
struct Installation {
  private let directory: URL

  init(in host: URL) throws {
    directory = host.appending(path: "programs")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try install(Self.built)
  }

  var viridian: URL { directory.appending(path: "viridian") }

  /// Puts another build in the place of both, as a package does: new files under the old names,
  /// while what runs goes on in the old ones. `version`: as long as the built one.
  func install(_ version: String) throws {
    for name in ["viridian", "viridian-keeper"] {
      let incoming = directory.appending(path: "incoming-\(name)")
      try FileManager.default.copyItem(at: Programs.products.appending(path: name), to: incoming)
      let file = try FileHandle(forUpdating: incoming)
      if name == "viridian" {
        try file.seek(toOffset: try Self.stamp.get())
        try file.write(contentsOf: Data(Self.text(version).utf8))
      } else {
        try file.seekToEnd()
        try file.write(contentsOf: Data("built for \(version)".utf8))
      }
      try file.close()
      guard rename(incoming.path, directory.appending(path: name).path) == 0 else {
        throw Unexpected("cannot install \(name)")
      }
    }
  }

  /// The version that was built, and one that was not.
  static let built = "0.1.0"
  static let other = "0.1.9"

  private static func text(_ version: String) -> String { "viridian version \(version)\0" }

  /// Where the built program bears its version, in bytes; looked for once, in a hundred megabytes.
  private static let stamp = Result {
    let pattern = text(built).replacing(".", with: "\\.").replacing("\0", with: "\\x00")
    let lines = try Tool.run(["grep", "-aboP", pattern, Programs.viridian.path]).split(
      separator: "\n")
    guard lines.count == 1,
      let offset = lines[0].split(separator: ":").first.flatMap({ UInt64($0) })
    else { throw Unexpected("the program does not bear the version \(built) exactly once") }
    return offset
  }
}
