package import Model
import PlatformKit

/// What can only be seen over all sources together.
package enum Lint {
  /// Targets claimed twice, equal stack names and clashing routes.
  package static func problems(
    _ states: [DesiredState], _ platforms: [PlatformName: PlatformDecoders]
  ) -> [Diagnostic] {
    let targets = states.sorted { $0.source < $1.source }.flatMap(\.targets)
    var owners: [TargetID: SourceName] = [:]
    var names: [String: TargetID] = [:]
    var claims: [String: TargetID] = [:]
    var problems: [Diagnostic] = []
    for target in targets {
      if let other = owners.updateValue(target.source, forKey: target.id), other != target.source {
        problems.append(
          error("\(target.id) is declared by the sources \(other) and \(target.source)"))
        continue
      }
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

  private static func error(_ message: String) -> Diagnostic {
    Diagnostic(file: "", message: message)
  }
}
