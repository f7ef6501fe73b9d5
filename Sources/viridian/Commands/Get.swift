import ArgumentParser
import Display
import Foundation
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
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let reader = try StatusReader(options)
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
