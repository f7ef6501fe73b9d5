import Analysis
import ArgumentParser
import Display
import Foundation
import LedgerKit
import Model

struct Get: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "One line for each target: versions, sync, rollout, drift.")
  @Argument(help: "web@production …; without any, all.") var targets: [TargetID] = []
  @Flag(name: .shortAndLong, help: "Go on and print progress until interrupted.") var watch = false
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let reader = try StatusReader(options)
    guard watch else {
      let statuses = try await reader.statuses(of: targets)
      let sources = try await reader.sources()
      return print(
        output.renderer.statuses(statuses) + output.renderer.troubles(of: sources), terminator: "")
    }
    var screen = Screen(isLive: output.isColored)
    var before: [TargetStatus] = []
    while true {
      let statuses = try await reader.statuses(of: targets)
      if let changes = output.renderer.changes(from: before, to: statuses) {
        print(changes, terminator: "")
        fflush(nil)
      } else {
        screen.show(statuses.map { ProgressLine().text($0) })
      }
      before = statuses
      try await Task.sleep(for: .milliseconds(500))
    }
  }
}

struct Describe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Everything about one target: stacks, route, rollout, findings, what it waits for.")
  @Argument(help: "web@production") var target: TargetID
  @Flag(help: "The verdicts on its canaries, each judged once more. Exit code 1 when one differs.")
  var judge = false
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let reader = try StatusReader(options)
    if judge { return try await judgeAgain(reader) }
    let statuses = try await reader.statuses(of: [target])
    let sources = try await reader.sources()
    for status in statuses {
      let own = sources.filter { $0.name == status.source }
      print(
        output.renderer.description(of: status) + output.renderer.troubles(of: own),
        terminator: "")
    }
  }
}

extension Describe {
  /// From the history alone: each verdict stands there with all that it was made from.
  fileprivate func judgeAgain(_ reader: StatusReader) async throws {
    let entries = try await reader.history(
      HistoryQuery(target: target, kinds: [.decision], limit: 10_000))
    let verdicts = try entries.reversed().compactMap { entry -> ShownVerdict? in
      guard let text = entry.details?["judgement"]?.string, let generation = entry.generation else {
        return nil
      }
      let record = try CanonicalJSON.value(JudgementRecord.self, from: text)
      return ShownVerdict(entry.at, generation, record)
    }
    print(output.renderer.verdicts(verdicts), terminator: "")
    if verdicts.contains(where: { $0.replayed != $0.verdict }) { throw ExitCode.differences }
  }
}

extension ShownVerdict {
  fileprivate init(_ at: WallTime, _ generation: Generation, _ record: JudgementRecord) {
    func text(_ counts: ArmCounts?) -> String? {
      counts.map { "\($0.errors) of \($0.requests)" }
    }
    self.init(
      at: at, generation: generation, sharePercent: record.measurements.candidateWeightPercent,
      verdict: record.judgement.verdict.rawValue, replayed: record.replayed().verdict.rawValue,
      candidate: text(record.measurements.candidate), stable: text(record.measurements.baseline),
      reasons: record.judgement.reasons)
  }
}

struct Drift: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What differs from what was launched. Exit code 1 when anything does.")
  @Argument(help: "web@production …; without any, all.") var targets: [TargetID] = []
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let statuses = try await StatusReader(options).statuses(of: targets)
    let found = statuses.filter { !$0.findings.isEmpty }
    print(
      output.renderer.findings(found.map { (target: $0.target, findings: $0.findings) }),
      terminator: "")
    let isDrift = found.contains { $0.findings.contains { $0.word != .notChecked } }
    if isDrift { throw ExitCode.differences }
  }
}
