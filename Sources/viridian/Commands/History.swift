import ArgumentParser
import Display
import LedgerKit
import Model

struct History: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What was decided, done, found and asked for, newest last.")
  @Option(help: "Only this target.") var target: TargetID?
  @Option(help: "intent, outcome, decision, finding, request, note or checkpoint; repeatable.")
  var kind: [LedgerEntry.Kind] = []
  @Option(help: "At most so many of the newest entries.") var limit = 50
  @Flag(help: "Walk the whole chain and show any tampering. Exit code 1 when it is broken.")
  var verify = false
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let reader = try StatusReader(options)
    if verify { return try await verifyChain(reader) }
    let entries = try await reader.history(
      HistoryQuery(target: target, kinds: kind, limit: limit))
    print(output.renderer.history(entries.reversed()), terminator: "")
  }

  private func verifyChain(_ reader: StatusReader) async throws {
    let report = try await reader.verify()
    print(output.renderer.verification(report), terminator: "")
    if report.firstBroken != nil { throw ExitCode.differences }
  }
}

extension LedgerEntry.Kind: ExpressibleByArgument {}
