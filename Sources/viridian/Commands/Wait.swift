import ArgumentParser
import Display
import Foundation
import Model

struct Wait: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Waits until a target is synced and stable. Exit code 3 when it fails or time is over.")
  @Argument(help: "web@production") var target: TargetID
  @Option(help: "Until this version is the one that serves.") var version: String?
  @Option(help: "Until this commit is the one that is declared (its first digits do).")
  var commit: String?
  @Option(help: "How long, such as 90s or 10m.") var timeout = "10m"
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    guard let limit = Duration(parsing: timeout) else {
      throw Complaint("--timeout: \"\(timeout)\" is not a duration such as 90s or 10m")
    }
    let client = try options.client()
    let end = ContinuousClock.now + limit
    var screen = Screen(isLive: output.isColored)
    while ContinuousClock.now < end {
      let status = try await client.targets().first { $0.target == target }
      if let status {
        screen.show([ProgressLine().text(status)])
        switch verdict(status) {
        case .done: return print("\(target) is synced at \(status.liveVersion ?? "")")
        case .failed(let why): return try fail(why)
        case .waiting: break
        }
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    try fail("not synced within \(timeout)")
  }

  private enum Verdict {
    case done, waiting
    case failed(String)
  }

  private func verdict(_ status: TargetStatus) -> Verdict {
    // Until the agent has seen the commit that is waited for, its state says nothing.
    if let version, status.desiredVersion != version { return .waiting }
    if let commit, status.desiredCommit?.rawValue.hasPrefix(commit.lowercased()) != true {
      return .waiting
    }
    if let stalled = status.condition(.stalled), stalled.status {
      return .failed("\(stalled.reason): \(stalled.message)")
    }
    return status.sync == .synced && status.rollout == nil ? .done : .waiting
  }

  private func fail(_ why: String) throws {
    FileHandle.standardError.write(Data("\(target): \(why)\n".utf8))
    throw ExitCode.rolloutFailed
  }
}
