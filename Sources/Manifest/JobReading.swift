import Model
import PlatformKit

extension MappingReader {
  /// `jobs`.
  func jobs(_ substitutions: Substitutions, _ problems: inout [Diagnostic]) -> [JobDeclaration]? {
    var jobs: [JobDeclaration] = []
    for time in JobDeclaration.Time.allCases {
      for node in list(time.rawValue) {
        guard let job = MappingReader(node).job(time, substitutions, &problems) else { continue }
        if jobs.contains(where: { $0.name == job.name }) {
          problems.append(node.error("two jobs are called \(job.name)"))
        }
        jobs.append(job)
      }
    }
    if jobs.count > 20 { problems.append(node.error("more than 20 jobs")) }
    return jobs.isEmpty ? nil : jobs
  }

  private func job(
    _ time: JobDeclaration.Time, _ substitutions: Substitutions, _ problems: inout [Diagnostic]
  ) -> JobDeclaration? {
    guard let name = text("name") else { return nil }
    let command = list("command").map { substitutions.text(of: $0, &problems) }
    problems += commandProblems
    let deadline = duration("deadline") ?? .seconds(600)
    if deadline < .seconds(1) || deadline > .seconds(24 * 3600) {
      problems.append((self["deadline"] ?? node).error("\"deadline\" must be from 1s to 24h"))
    }
    return JobDeclaration(
      name: name, time: time, command: command, deadline: deadline,
      isIrreversible: bool("irreversible") ?? false)
  }
}

extension MappingReader {
  /// Of a `command`.
  var commandProblems: [Diagnostic] {
    var problems: [Diagnostic] = []
    if list("command").first?.text?.isEmpty ?? true {
      problems.append((self["command"] ?? node).error("\"command\" must name a program"))
    }
    for node in list("command") where node.text?.utf8.contains(0) == true {
      problems.append(node.error("it holds a NUL byte"))
    }
    return problems
  }
}

extension Substitutions {
  /// With `${version}`, `${application}` and `${environment}` as they are; anything else is a problem.
  fileprivate func text(of node: ManifestNode, _ problems: inout [Diagnostic]) -> String {
    let text = (node.text ?? "").replacing("${version}", with: version)
      .replacing("${application}", with: application.rawValue)
      .replacing("${environment}", with: environment.rawValue)
    if text.contains("${") {
      problems.append(
        node.error("a job knows ${version}, ${application} and ${environment} alone"))
    }
    return text
  }
}
