package import Model
import PlatformKit

/// What can only be seen over all sources together.
package enum Lint {
  /// Targets declared twice, equal stack names and clashing routes.
  package static func problems(
    _ states: [DesiredState], _ platforms: [PlatformName: PlatformDecoders]
  ) -> [Diagnostic] {
    let contested = contested(states)
    var problems = contested.map(\.problem) + ReleaseGroups.divided(states)
    var names: [String: TargetID] = [:]
    var claims: [String: TargetID] = [:]
    var seen: Set<TargetID> = []
    for target in states.sorted(by: { $0.source < $1.source }).flatMap(\.targets)
    where seen.insert(target.id).inserted {
      let name = "\(target.platform)/\(StackID(target.id, 1).name())"
      if let other = names.updateValue(target.id, forKey: name), other != target.id {
        problems.append(error("the stacks of \(other) and \(target.id) would have the same names"))
      }
      guard let route = target.route, let decoder = platforms[target.platform]?.route else {
        continue
      }
      for claim in decoder.claims(route) {
        if let other = claims.updateValue(target.id, forKey: "\(target.platform) \(claim)"),
          other != target.id
        {
          problems.append(error("\(other) and \(target.id) both claim \"\(claim)\""))
        }
      }
    }
    return problems
  }

  /// Each declaration of a target that another source declares, too, with the problem at its place.
  package static func contested(
    _ states: [DesiredState]
  ) -> [(source: SourceName, problem: Diagnostic)] {
    let all = states.sorted { $0.source < $1.source }.flatMap(\.targets)
    let twice = Dictionary(grouping: all, by: \.id).filter { $0.value.count > 1 }
    return twice.sorted { $0.key < $1.key }.flatMap { id, targets in
      targets.map { target in
        let others = targets.filter { $0.source != target.source }.map { other in
          "\(other.source)" + (other.declaredAt.map { " (\($0))" } ?? "")
        }
        let message =
          "\(id) is declared by \(others.joined(separator: " and ")), too: leave it to one source"
        return (
          target.source,
          Diagnostic(
            file: target.declaredAt?.file ?? "", line: target.declaredAt?.line ?? 0,
            message: message)
        )
      }
    }
  }

  private static func error(_ message: String) -> Diagnostic {
    Diagnostic(file: "", message: message)
  }
}
