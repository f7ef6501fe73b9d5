import Model

/// What has to hold of targets that are released together.
enum ReleaseGroups {
  /// Members that would wait for each other for ever: all of a group wait for its last one, so that a chain of
  /// dependencies may not leave a group and lead back to it.
  static func rings(_ targets: [DesiredTarget]) -> [(id: TargetID, message: String)] {
    let members = targets.filter { $0.group != nil }
    guard !members.isEmpty else { return [] }
    // Each group as one node: its first member.
    var nodes: [TargetID: TargetID] = [:]
    var first: [String: TargetID] = [:]
    for target in members {
      let name = "\(target.id.environment)/\(target.group ?? "")"
      first[name] = first[name] ?? target.id
      nodes[target.id] = first[name]
    }
    func node(_ id: TargetID) -> TargetID { nodes[id] ?? id }
    var edges: [TargetID: [TargetID]] = [:]
    for target in targets {
      let others = target.dependsOn.map(node).filter { $0 != node(target.id) }
      edges[node(target.id), default: []] += others
    }
    let ring = Dependencies.ring(edges)
    return members.filter { ring.contains(node($0.id)) }.map { target in
      let way = ring.filter { $0 != node(target.id) }.sorted().map(\.description)
      return (
        target.id,
        "the dependencies of group \"\(target.group ?? "")\" leave it and lead back, by way of "
          + way.joined(separator: ", ") + ": put them into the group, too"
      )
    }
  }

  /// Over all sources: a release is what one commit declares, and two sources never share one.
  static func divided(_ states: [DesiredState]) -> [Diagnostic] {
    let members = states.sorted { $0.source < $1.source }.flatMap(\.targets).filter {
      $0.group != nil
    }
    let groups = Dictionary(grouping: members) { "\($0.id.environment)/\($0.group ?? "")" }
    return groups.sorted { $0.key < $1.key }.compactMap { _, members in
      let sources = Set(members.map(\.source)).sorted()
      guard sources.count > 1, let last = members.last else { return nil }
      return Diagnostic(
        file: last.declaredAt?.file ?? "", line: last.declaredAt?.line ?? 0,
        message: "group \"\(last.group ?? "")\" of \(last.id.environment) has members in "
          + sources.map(\.rawValue).joined(separator: " and ")
          + ": a release is of one commit, leave it to one source")
    }
  }
}
