import KeeperKit
import Model
import PlatformKit

/// Reads what a keeper's runs of the health check showed.
struct CheckOutcomes: Sendable {
  /// What people are told of a run's output: its last lines.
  private static let told = 300

  let site: Site
  let files: StackFiles

  /// Only of processes that live: an outcome says nothing of the instance's next one.
  func read(_ certificate: BirthCertificate) throws(PlatformError) -> [CheckResult] {
    let name = site.name(certificate)
    guard case .ours(let found) = try files.entry(name), found.launch == certificate.launch,
      case .command(let command) = certificate.spec.health.check
    else { return [] }
    return try onHost { () throws(HostError) in
      let path = site.layout(name).checkOutcomes
      let outcomes = try HostFile.decode([CheckOutcome].self, from: path) ?? []
      let isFailing = outcomes.contains { $0.failure != nil }
      let redaction =
        Redaction(isFailing ? try SecretFile(site, certificate).read() : nil)
      let now = Host.millisecondsSinceBoot
      return outcomes.filter { $0.process.isAlive }.map { outcome in
        CheckResult(
          instance: outcome.instance, serial: outcome.milliseconds, passes: outcome.passes,
          failure: Self.reason(outcome, command, redaction),
          age: .milliseconds(max(0, now - outcome.milliseconds)))
      }
    }
  }

  /// `./check --quick: exit status 1: no connection to the database`
  private static func reason(
    _ outcome: CheckOutcome, _ command: [String], _ redaction: Redaction
  ) -> String? {
    guard let failure = outcome.failure else { return nil }
    let lines = redaction.apply(outcome.output).split { $0.isNewline }
      .map { $0.split { $0.isWhitespace }.joined(separator: " ") }.filter { !$0.isEmpty }
    var text = ""
    for line in lines.reversed() {
      guard text.isEmpty || text.count + line.count <= told else { break }
      text = text.isEmpty ? String(line.suffix(told)) : "\(line) / \(text)"
    }
    let words = "\(command.joined(separator: " ")): \(failure)"
    return text.isEmpty ? words : "\(words): \(text)"
  }
}
