import Model

/// Finds the YAML files of a tree, and refuses what must not be there.
struct SnapshotWalk {
  private let reader: ObjectReader
  private let configuration: SourceConfiguration
  private(set) var files: [SourceFile] = []
  private var entries = 0
  private var bytes = 0

  init(_ reader: ObjectReader, _ configuration: SourceConfiguration) {
    self.reader = reader
    self.configuration = configuration
  }

  /// `false` when the configured path does not exist.
  mutating func run(root: [UInt8]) throws -> Bool {
    guard
      let entry = try Self.find(configuration.path, root: root, reader), entry.kind == .directory
    else { return false }
    try walk(entry.id, at: configuration.path, depth: 1)
    files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return true
  }

  /// The entry at a path of the repository; nil when there is none.
  static func find(_ path: String, root: [UInt8], _ reader: ObjectReader) throws -> TreeEntry? {
    var entry = TreeEntry(kind: .directory, name: "", id: root)
    var walked = ""
    for part in path.split(separator: "/") {
      guard entry.kind == .directory else { return nil }
      let found = try reader.tree(entry.id, at: walked).first { $0.name == part }
      guard let found else { return nil }
      walked = walked.isEmpty ? String(part) : "\(walked)/\(part)"
      guard found.kind != .symlink, found.kind != .submodule else {
        throw CommitProblem("\"\(walked)\" is a symbolic link or submodule")
      }
      entry = found
    }
    return entry
  }

  private mutating func walk(_ tree: [UInt8], at path: String, depth: Int) throws {
    let limits = configuration.limits
    guard depth <= limits.depth else {
      throw CommitProblem("\"\(path)\" is more than \(limits.depth) directories deep")
    }
    for entry in try reader.tree(tree, at: path) {
      entries += 1
      guard entries <= limits.treeEntries else {
        throw CommitProblem("more than \(limits.treeEntries) files and directories")
      }
      let child = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
      guard child.utf8.count <= limits.pathBytes else {
        throw CommitProblem("\"\(child)\" has more than \(limits.pathBytes) bytes")
      }
      switch entry.kind {
      case .symlink:
        throw CommitProblem("\"\(child)\" is a symbolic link: those are allowed in artifacts only")
      case .submodule: throw CommitProblem("\"\(child)\" is a submodule")
      case .directory where configuration.artifactDirectories.contains(child): continue
      case .directory: try walk(entry.id, at: child, depth: depth + 1)
      case .file: try take(entry, at: child)
      }
    }
  }

  private mutating func take(_ entry: TreeEntry, at path: String) throws {
    guard path.hasSuffix(".yaml") || path.hasSuffix(".yml") else { return }
    let content = try reader.blob(entry.id, limit: configuration.limits.fileBytes, at: path)
    bytes += content.count
    guard bytes <= configuration.limits.totalBytes else {
      throw CommitProblem("the YAML files have more than \(configuration.limits.totalBytes) bytes")
    }
    files.append(SourceFile(path: path, bytes: content, blobID: hexadecimal(entry.id)))
  }
}
