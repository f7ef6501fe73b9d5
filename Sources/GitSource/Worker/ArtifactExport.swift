/// Turns an artifact of a commit into one archive file.
struct ArtifactExport {
  let reader: ObjectReader
  let limits: SourceLimits

  /// A directory becomes a canonical tar; a file named as an archive is taken as it is; any other
  /// file becomes a tar with that file.
  func archive(_ path: String, root: [UInt8]) throws -> [UInt8] {
    var finder = PathFinder(reader, root: root)
    guard let entry = try finder.find(path) else {
      throw SourceError.missing("the commit has no \"\(path)\": check the artifact's path")
    }
    var archive = Archive()
    switch entry.kind {
    case .file(let isExecutable):
      let content = try reader.blob(entry.id, limit: limits.artifactBytes, at: path)
      if [".tar", ".tar.gz", ".tgz"].contains(where: path.hasSuffix) { return content }
      archive.file(entry.name, content, isExecutable: isExecutable)
    case .directory:
      var count = 0
      try add(entry.id, at: path, inside: [], to: &archive, &count)
    case .symlink, .submodule: throw CommitProblem("\"\(path)\" is not a file or directory")
    }
    archive.finish()
    return archive.bytes
  }

  private func add(
    _ tree: [UInt8], at path: String, inside: [String], to archive: inout Archive,
    _ count: inout Int
  ) throws {
    guard inside.count < limits.depth else {
      throw CommitProblem("\"\(path)\" is more than \(limits.depth) directories deep")
    }
    let entries = try reader.tree(tree, at: path)
    for entry in entries.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      let parts = inside + [entry.name]
      let name = parts.joined(separator: "/")
      count += 1
      guard count <= limits.treeEntries, name.utf8.count <= limits.pathBytes else {
        throw CommitProblem("the artifact \"\(path)\" has too many files or too long a path")
      }
      switch entry.kind {
      case .directory:
        archive.directory(name)
        try add(entry.id, at: "\(path)/\(entry.name)", inside: parts, to: &archive, &count)
      case .file(let isExecutable):
        let left = limits.artifactBytes - archive.bytes.count
        let content = try reader.blob(entry.id, limit: left, at: "\(path)/\(entry.name)")
        archive.file(name, content, isExecutable: isExecutable)
      case .symlink:
        let target = try reader.blob(entry.id, limit: 255, at: "\(path)/\(entry.name)")
        archive.symlink(name, to: try Self.safe(target, from: inside, name))
      case .submodule: throw CommitProblem("\"\(path)/\(entry.name)\" is a submodule")
      }
    }
  }

  /// The link's target, if it is relative and stays inside the artifact. `..` may stand only at
  /// its front: behind a name it could lead through another link.
  private static func safe(_ target: [UInt8], from inside: [String], _ name: String) throws
    -> String
  {
    let text = String(decoding: target, as: UTF8.self)
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let ups = parts.prefix { $0 == ".." }.count
    let rest = parts.dropFirst(ups)
    guard ups <= inside.count,
      rest.allSatisfy({ TreeRules.problem(withName: Array($0.utf8)) == nil })
    else { throw CommitProblem("the link \"\(name)\" leads out of its artifact (\(text))") }
    return text
  }
}
