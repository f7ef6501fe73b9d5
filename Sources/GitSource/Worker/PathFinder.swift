/// Finds what paths of the repository name in one tree; each directory on the way is read once.
struct PathFinder {
  private let reader: ObjectReader
  private let root: [UInt8]
  /// By the directory's object id.
  private var directories: [[UInt8]: [String: TreeEntry]] = [:]

  init(_ reader: ObjectReader, root: [UInt8]) {
    self.reader = reader
    self.root = root
  }

  /// nil when there is none; the whole tree for an empty path. Errors: `CommitProblem` for a link
  /// or submodule on the way, or a directory that is no valid tree.
  mutating func find(_ path: String) throws -> TreeEntry? {
    var entry = TreeEntry(kind: .directory, name: "", id: root)
    var walked = ""
    for part in path.split(separator: "/") {
      guard entry.kind == .directory else { return nil }
      guard let found = try entries(of: entry.id, at: walked)[String(part)] else { return nil }
      walked = walked.isEmpty ? String(part) : "\(walked)/\(part)"
      guard found.kind != .symlink, found.kind != .submodule else {
        throw CommitProblem("\"\(walked)\" is a symbolic link or submodule")
      }
      entry = found
    }
    return entry
  }

  private mutating func entries(of id: [UInt8], at path: String) throws -> [String: TreeEntry] {
    if let known = directories[id] { return known }
    let entries = try reader.tree(id, at: path).map { ($0.name, $0) }
    let byName = Dictionary(entries) { first, _ in first }
    directories[id] = byName
    return byName
  }
}
