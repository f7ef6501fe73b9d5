import Model
import PlatformKit

/// The documents of all files by kind and name, each checked on its own.
struct Documents {
  struct Entry {
    var reader: MappingReader
    var isBroken: Bool
    var spec: MappingReader { reader.mapping("spec") ?? reader }
    var metadata: MappingReader { reader.mapping("metadata") ?? reader }
  }

  private(set) var applications: [ApplicationName: Entry] = [:]
  private(set) var environments: [EnvironmentName: Entry] = [:]
  private(set) var targets: [Entry] = []
  private(set) var diagnostics: [Diagnostic] = []
  private let fields: [String: [Field]]

  init(_ files: [(path: String, reading: FileReading)], _ context: ManifestContext) {
    fields = Manifest.fields(context.platforms)
    for file in files.sorted(by: { $0.path < $1.path }) { take(file.reading) }
  }

  private mutating func take(_ reading: FileReading) {
    switch reading {
    case .foreign: break
    case .unreadable(let diagnostic):
      diagnostics.append(diagnostic)
    case .documents(let nodes):
      for node in nodes { read(node) }
    }
  }

  private mutating func read(_ node: ManifestNode) {
    let reader = MappingReader(node)
    guard let kind = reader.text("kind"), let fields = fields[kind] else {
      return diagnostics.append(
        (reader["kind"] ?? node).error(
          "\"kind\" must be Application | Environment | Target"))
    }
    let problems = node.problems(fields) + Self.labelProblems(reader)
    diagnostics += problems
    add(Entry(reader: reader, isBroken: !problems.isEmpty), kind: kind)
  }

  /// Labels go to platforms and metrics as they are: nothing there may read them as a template.
  private static func labelProblems(_ document: MappingReader) -> [Diagnostic] {
    let labels = document.mapping("metadata")?.mapping("labels")?.members ?? []
    return labels.filter { "\($0.name)\($0.value.text ?? "")".contains(/[{}]/) }
      .map { $0.value.error("a label holds no braces: nothing is substituted in it") }
  }

  private mutating func add(_ entry: Entry, kind: String) {
    if kind == "Target" { return targets.append(entry) }
    guard let name = entry.metadata.text("name"), isValidName(name) else { return }
    let isTwice: Bool
    if kind == "Application" {
      isTwice = applications.updateValue(entry, forKey: ApplicationName(rawValue: name)) != nil
      if isTwice { applications[ApplicationName(rawValue: name)]?.isBroken = true }
    } else {
      isTwice = environments.updateValue(entry, forKey: EnvironmentName(rawValue: name)) != nil
      if isTwice { environments[EnvironmentName(rawValue: name)]?.isBroken = true }
    }
    if isTwice {
      diagnostics.append(entry.reader.node.error("\(kind) \"\(name)\" is declared twice"))
    }
  }
}
