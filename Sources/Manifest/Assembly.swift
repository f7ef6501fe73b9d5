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
  /// By target: the name before, and where `previously` says so.
  private var renames: [TargetID: (old: TargetID, node: ManifestNode)] = [:]

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
    limitWaves()
    checkDependencies()
    checkGroups()
    checkRenames()
    if targets.count > Manifest.mostTargets {
      diagnostics.append(
        Diagnostic(file: "", message: "more than \(Manifest.mostTargets) targets"))
      broken.formUnion(targets.keys)
    }
    for id in broken { targets[id] = nil }
    let renames = renames.mapValues(\.old).filter { targets[$0.key] != nil }
    return DesiredState(
      source: context.source, commit: context.commit,
      targets: targets.values.sorted { $0.id < $1.id }, broken: broken.sorted(),
      // What is wrong in an application is found again with each of its targets.
      diagnostics: Set(diagnostics).sorted {
        ($0.file, $0.line, $0.column, $0.message, $0.suggestion ?? "")
          < ($1.file, $1.line, $1.column, $1.message, $1.suggestion ?? "")
      }, renames: renames.isEmpty ? nil : renames)
  }

  /// Of each environment that says so: how many of its targets may roll out at the same time.
  private mutating func limitWaves() {
    let counts = Dictionary(grouping: targets.keys, by: \.environment).mapValues(\.count)
    for (name, entry) in documents.environments.sorted(by: { $0.key < $1.key }) {
      guard let node = entry.spec["wave"], let wave = entry.spec.mapping("wave") else { continue }
      let (count, percent) = (wave.integer("targets"), wave.integer("percent"))
      guard (count == nil) != (percent == nil) else {
        diagnostics.append(node.error("\"wave\" has either targets or percent"))
        broken.formUnion(targets.keys.filter { $0.environment == name })
        continue
      }
      let limit = count ?? max(1, (counts[name] ?? 0) * (percent ?? 100) / 100)
      for id in targets.keys where id.environment == name { targets[id]?.wave = limit }
    }
  }

  private mutating func readTarget(_ entry: Documents.Entry) {
    guard let application = entry.spec.text("application"),
      let environment = entry.spec.text("environment"), isValidName(application),
      isValidName(environment)
    else { return }
    let id = TargetID(
      ApplicationName(rawValue: application), EnvironmentName(rawValue: environment))
    guard context.serves(id.environment) else { return checkElsewhere(id, entry.spec) }
    add(id, entry.reader.node, entry.spec, entry.metadata, isBroken: entry.isBroken)
  }

  private mutating func readShort(_ member: ManifestNode.Member, _ environment: EnvironmentName) {
    guard isValidName(member.name) else {
      return diagnostics.append(
        member.key.error("\"\(member.name)\" is not the name of an application"))
    }
    let id = TargetID(ApplicationName(rawValue: member.name), environment)
    guard context.serves(environment) else {
      if documents.applications[id.application] == nil {
        diagnostics.append(member.key.error(noApplication(id)))
      }
      return
    }
    add(id, member.key, nil, nil, isBroken: false, short: member.value)
  }

  /// Another agent's target is left out, but a misspelt name would leave out one of ours. An error
  /// suspends removals: a target that moved by a slip of the finger is not taken for a removed one.
  private mutating func checkElsewhere(_ id: TargetID, _ spec: MappingReader) {
    if documents.applications[id.application] == nil, let node = spec["application"] {
      diagnostics.append(node.error(noApplication(id)))
    }
    if documents.environments[id.environment] == nil, let node = spec["environment"] {
      diagnostics.append(node.error(noEnvironment(id)))
    }
  }

  private func noApplication(_ id: TargetID) -> String {
    "no application \"\(id.application)\" is declared"
  }

  private func noEnvironment(_ id: TargetID) -> String {
    "no environment \"\(id.environment)\" is declared"
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
      let place = spec?["application"] ?? node
      return fail(id, place, noApplication(id))
    }
    guard let environment = documents.environments[id.environment] else {
      let place = spec?["environment"] ?? node
      return fail(id, place, noEnvironment(id))
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
    for document in [metadata, application.metadata] where renames[id] == nil {
      guard let old = document?["previously"], let name = old.text else { continue }
      renames[id] = (TargetID(ApplicationName(rawValue: name), id.environment), old)
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
    }
    let ring = Dependencies.ring(edges)
    for id in ring.sorted() {
      guard let node = places[id] else { continue }
      let next = edges[id]?.filter(ring.contains).sorted().map(\.description) ?? []
      fail(id, node, "dependsOn leads back to \(id), by way of \(next.joined(separator: ", "))")
    }
  }

  /// Targets of one group wait for each other: what one depends on must not wait for another of it.
  private mutating func checkGroups() {
    for (id, message) in ReleaseGroups.rings(targets.values.sorted { $0.id < $1.id }) {
      if let node = places[id] { fail(id, node, message) }
    }
  }

  /// A name is given up in the commit in which it is adopted, and by one target.
  private mutating func checkRenames() {
    var heirs: [TargetID: TargetID] = [:]
    for (id, rename) in renames.sorted(by: { $0.key < $1.key }) {
      let old = rename.old
      if old == id {
        fail(id, rename.node, "previously: \(id) cannot be its own earlier name")
      } else if let place = places[old] {
        fail(
          id, rename.node,
          "previously: \(old) is declared still, at \(place.file):\(place.line); remove it in the"
            + " commit in which \(id) adopts its stacks")
      } else if let heir = heirs.updateValue(id, forKey: old) {
        fail(id, rename.node, "previously: \(heir) adopts the stacks of \(old), too")
      }
    }
  }
}

/// Dependencies as a graph.
enum Dependencies {
  private typealias Edges = [TargetID: Set<TargetID>]

  /// All on a chain that leads back, and those between two such chains: what is left when nodes
  /// without dependencies, and then nodes that nothing depends on, are taken away. Linear.
  static func ring(_ edges: [TargetID: [TargetID]]) -> Set<TargetID> {
    let known = edges.mapValues { Set($0.filter { edges[$0] != nil }) }
    return Set(trimmed(reversed(trimmed(known))).keys)
  }

  /// Without the nodes that have no edges, again and again.
  private static func trimmed(_ edges: Edges) -> Edges {
    let users = reversed(edges)
    var edges = edges
    var free = edges.filter { $0.value.isEmpty }.map(\.key)
    while let node = free.popLast() {
      edges[node] = nil
      for user in users[node] ?? [] {
        edges[user]?.remove(node)
        if edges[user]?.isEmpty == true { free.append(user) }
      }
    }
    return edges
  }

  private static func reversed(_ edges: Edges) -> Edges {
    var result = edges.mapValues { _ in Set<TargetID>() }
    for (node, others) in edges {
      for other in others { result[other]?.insert(node) }
    }
    return result
  }
}
