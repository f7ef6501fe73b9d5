import Model

/// Finds what the artifacts of targets are in a commit, without reading them: whether they are
/// there, and whether they are what they were.
struct ArtifactLookup {
  private var finder: PathFinder
  private var known: [String: ArtifactObject] = [:]

  init(_ reader: ObjectReader, root: [UInt8]) { finder = PathFinder(reader, root: root) }

  mutating func run(_ state: inout DesiredState) throws {
    for index in state.targets.indices {
      var objects: [String: ArtifactObject] = [:]
      for input in state.targets[index].spec.inputs where input.isInRepository {
        let object = try known[input.name] ?? find(input.name)
        known[input.name] = object
        objects[input.name] = object
      }
      state.targets[index].objects = objects
    }
  }

  /// An archive depends on the object, its kind and its name.
  private mutating func find(_ path: String) throws -> ArtifactObject {
    do {
      guard let entry = try finder.find(path) else {
        return .absent(reason: "the repository has no \"\(path)\"")
      }
      let id = hexadecimal(entry.id)
      return switch entry.kind {
      case .directory: .present("directory \(id)")
      case .file(isExecutable: false): .present("file \(id)")
      case .file(isExecutable: true): .present("executable \(id)")
      case .symlink, .submodule: .absent(reason: "\"\(path)\" is a link or submodule")
      }
    } catch let problem as CommitProblem {
      // A bad tree below the artifacts harms who uses it, not the commit.
      return .absent(reason: problem.message)
    }
  }
}
