import Foundation

/// The files of this repository, as they lie in the work tree.
struct Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct File {
    /// From the root: `Sources/Model/Route.swift`.
    var path: String
    var text: String
    /// Without the line ends.
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var name: String { String(path.split(separator: "/").last ?? "") }
  }

  /// Names directly below the root.
  static func topLevel() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root.path()).sorted()
  }

  /// Every text file below the folders given, sorted; nothing that is built or hidden.
  static func files(_ folders: String..., suffixes: String...) throws -> [File] {
    var found: [File] = []
    for folder in folders {
      let start = root.appending(path: folder)
      guard let walk = FileManager.default.enumerator(atPath: start.path()) else {
        throw CocoaError(.fileReadNoSuchFile)
      }
      for case let relative as String in walk {
        let parts = relative.split(separator: "/")
        let isBuilt = parts.contains { $0.hasPrefix(".build") || $0 == "__pycache__" }
        if parts.first == ".git" || isBuilt {
          walk.skipDescendants()
          continue
        }
        guard suffixes.isEmpty || suffixes.contains(where: relative.hasSuffix) else { continue }
        var isDirectory: ObjCBool = false
        let path = start.appending(path: relative).path()
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
          !isDirectory.boolValue, let data = FileManager.default.contents(atPath: path),
          let text = String(data: data, encoding: .utf8)
        else { continue }
        found.append(File(path: folder == "." ? relative : "\(folder)/\(relative)", text: text))
      }
    }
    return found.sorted { $0.path < $1.path }
  }

  static func read(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path())
  }
}
