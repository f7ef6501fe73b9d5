import ArgumentParser
import CHost
import Foundation
import GitSource

@main
struct Viridian: AsyncParsableCommand {
  /// Every error ends with 2, also a misspelt flag: 1 means differences.
  @MainActor static func main() async {
    // Threads allocate in turn rather than side by side, and what one leaves another takes.
    _ = chost_share_arena()
    // The agent's own child, started at every poll: not worth looking at all verbs.
    if CommandLine.arguments.dropFirst().first == "source-worker" {
      Foundation.exit(SourceWorker.main(ParserContext.parser))
    }
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard !(error is ExitCode), exitCode(for: error) != .success else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      Foundation.exit(ExitCode.error.rawValue)
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "viridian",
    abstract: "A GitOps agent for immutable infrastructure: it replaces rather than patches.",
    discussion: """
      Exit codes: 0 nothing to do or success, 1 differences or drift, 2 error, 3 rollout failed \
      or timed out (wait).
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(name: "The agent", subcommands: [Run.self, Init.self, Uninstall.self]),
      CommandGroup(
        name: "What is and what would be",
        subcommands: [
          Get.self, Describe.self, History.self, Drift.self, Logs.self, Wait.self, Plan.self,
          LintCommand.self, Schema.self,
        ]),
      CommandGroup(
        name: "What a person decides",
        subcommands: [
          Sync.self, Pause.self, Resume.self, Approve.self, Advance.self, Abort.self, Retry.self,
          Release.self, Adopt.self, Promote.self, Rollback.self,
        ]),
      CommandGroup(
        name: "The agent's own state",
        subcommands: [Backup.self, Restore.self, VersionCommand.self, Completion.self]),
    ])
}

enum Version {
  /// Semantic version of the agent; written nowhere that a digest or a fingerprint reads.
  static let text = String(stamp.dropFirst("viridian version ".count))

  /// The one place, and found in the program's bytes: packagers may look for it there, and tests
  /// make another version's build by it.
  private static let stamp = "viridian version 0.1.0"
}
