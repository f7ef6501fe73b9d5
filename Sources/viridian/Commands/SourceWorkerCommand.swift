import ArgumentParser
import Foundation
import GitSource

/// The short-lived child that does everything a hostile commit could reach.
struct SourceWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "source-worker", abstract: "Used by the agent itself.", shouldDisplay: false)

  func run() {
    Foundation.exit(SourceWorker.main(ParserContext.parser))
  }
}
