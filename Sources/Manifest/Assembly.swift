import Model
import PlatformKit

/// Puts applications, environments and targets together.
struct Assembly {
  let documents: Documents
  let context: ManifestContext
  private var diagnostics: [Diagnostic]
  private var targets: [TargetID: DesiredTarget] = [:]
  /// Where each target is declared, for messages about two of a kind.
  private var places: [TargetID: ManifestNode] = [:]
  private var broken: Set<TargetID> = []

  init(documents: Documents, context: ManifestContext) {
    self.documents = documents
    self.context = context
    diagnostics = documents.diagnostics
  }

  mutating func run() -> DesiredState {
    for entry in documents.targets { readTarget(entry) }
    for (name, entry) in documents.environments.sorted(by: { $0.key < $1.key }) {
      for member in entry.spec.mapping("targets")?.members ?? [] { readShort(member, name) }
    }
    checkDependencies()
    if targets.count > Manifest.mostTargets {
      diagnostics.append(
        Diagnostic(file: "", message: "more than \(Manifest.mostTargets) targets"))
      broken.formUnion(targets.keys)
    }
    for id in broken { targets[id] = nil }
    return DesiredState(
      source: context.source, commit: context.commit,
      targets: targets.values.sorted { $0.id < $1.id }, broken: broken.sorted(),
      diagnostics: diagnostics.sorted {
        ($0.file, $0.line, $0.column, $0.message) < ($1.file, $1.line, $1.column, $1.message)
      })
  }

  private mutating func readTarget(_ entry: Documents.Entry) {
    guard let application = entry.spec.text("application"),
      let environment = entry.spec.text("environment"), isValidName(application),
      isValidName(environment)
    else { return }
    let id = TargetID(
      ApplicationName(rawValue: application), EnvironmentName(rawValue: environment))
    add(id, entry.reader.node, entry.spec, entry.metadata, isBroken: entry.isBroken)
  }

  private mutating func readShort(_ member: ManifestNode.Member, _ environment: EnvironmentName) {
    guard isValidName(member.name) else {
      return diagnostics.append(
        member.key.error("\"\(member.name)\" is not the name of an application"))
    }
    let id = TargetID(ApplicationName(rawValue: member.name), environment)
    add(id, member.key, nil, nil, isBroken: false, short: member.value)
  }

  private mutating func add(
    _ id: TargetID, _ node: ManifestNode, _ spec: MappingReader?, _ metadata: MappingReader?,
    isBroken: Bool, short version: ManifestNode? = nil
  ) {
    if let first = places.updateValue(node, forKey: id) {
      diagnostics.append(
        node.error("\(id) is declared twice; the other is at \(first.file):\(first.line)"))
      broken.insert(id)
      return
    }
    guard !isBroken, let text = version?.text ?? spec?.text("version") else {
      broken.insert(id)
      return
    }
    guard let application = documents.applications[id.application] else {
      return fail(
        id, spec?["application"] ?? node, "no application \"\(id.application)\" is declared")
    }
    guard let environment = documents.environments[id.environment] else {
      return fail(
        id, spec?["environment"] ?? node, "no environment \"\(id.environment)\" is declared")
    }
    guard !application.isBroken, !environment.isBroken else {
      broken.insert(id)
      return
    }
    var reading = TargetReading(
      id: id, version: text, node: node, application: application, environment: environment,
      target: spec, metadata: metadata, context: context)
    let target = reading.run()
    diagnostics += reading.problems
    if reading.problems.contains(where: { $0.severity == .error }) {
      broken.insert(id)
    } else {
      targets[id] = target
    }
  }

  private mutating func fail(_ id: TargetID, _ node: ManifestNode, _ message: String) {
    diagnostics.append(node.error(message))
    broken.insert(id)
  }

  /// A dependency must be declared in the same environment, and no chain may lead back.
  private mutating func checkDependencies() {
    let edges = targets.mapValues(\.dependsOn)
    for (id, needed) in edges.sorted(by: { $0.key < $1.key }) {
      guard let node = places[id] else { continue }
      for other in needed where edges[other] == nil && !broken.contains(other) {
        fail(id, node, "\(id) depends on \(other), which is not declared")
      }
      if let chain = cycle(from: id, edges) {
        fail(id, node, "dependsOn leads back: \(chain.map(\.description).joined(separator: " → "))")
      }
    }
  }

  private func cycle(from start: TargetID, _ edges: [TargetID: [TargetID]]) -> [TargetID]? {
    var stack = [[start]]
    var seen: Set<TargetID> = []
    while let path = stack.popLast(), let last = path.last {
      for next in edges[last] ?? [] {
        if next == start { return path + [next] }
        if seen.insert(next).inserted { stack.append(path + [next]) }
      }
    }
    return nil
  }
}
