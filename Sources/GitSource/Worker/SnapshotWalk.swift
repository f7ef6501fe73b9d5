import Model

/// Finds the YAML files of a tree, and refuses what must not be there. Reads and parses only what
/// is not held.
struct SnapshotWalk {
  private let reader: ObjectReader
  private let configuration: SourceConfiguration
  private let held: [SnapshotParts.BlobID: SnapshotParts.File]
  private let parser: SnapshotParser
  private(set) var files: [SourceFile] = []
  /// What was read and parsed, and what was held, of these files.
  private(set) var new: [SnapshotParts.BlobID: SnapshotParts.File] = [:]
  private(set) var kept: Set<SnapshotParts.BlobID> = []
  private var entries = 0
  private var bytes = 0

  init(
    _ reader: ObjectReader, _ configuration: SourceConfiguration,
    held: [SnapshotParts.BlobID: SnapshotParts.File], parser: SnapshotParser
  ) {
    self.reader = reader
    self.configuration = configuration
    self.held = held
    self.parser = parser
  }

  /// `false` when the configured path does not exist.
  mutating func run(root: [UInt8]) throws -> Bool {
    var finder = PathFinder(reader, root: root)
    guard let entry = try finder.find(configuration.path), entry.kind == .directory else {
      return false
    }
    try walk(entry.id, at: configuration.path, depth: 1)
    files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return true
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
    let file = try file(entry.id, at: path)
    bytes += file.bytes
    guard bytes <= configuration.limits.totalBytes else {
      throw CommitProblem("the YAML files have more than \(configuration.limits.totalBytes) bytes")
    }
    files.append(SourceFile(path: path, reading: file.reading))
  }

  private mutating func file(_ id: [UInt8], at path: String) throws -> SnapshotParts.File {
    if let known = held[id] {
      kept.insert(id)
      return known
    }
    if let known = new[id] { return known }
    let content = try reader.blob(id, limit: configuration.limits.fileBytes, at: path)
    let file = SnapshotParts.File(bytes: content.count, reading: parser.read(content))
    new[id] = file
    return file
  }
}
