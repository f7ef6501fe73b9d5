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
    var last: TargetStatus?
    var unknown: ContinuousClock.Instant?
    while ContinuousClock.now < end {
      last = try await client.targets().first { $0.target == target }
      if let status = last {
        screen.show([ProgressLine().text(status)])
        switch verdict(status) {
        case .done: return print("\(target) is synced at \(status.liveVersion ?? "")")
        case .failed(let why): return try fail(why)
        case .waiting: break
        }
      } else if let since = unknown {
        if ContinuousClock.now - since > Self.patience { try await refuseUnknown(client) }
      } else {
        // The commit that declares it may have been pushed a moment ago.
        try await client.sync()
        unknown = .now
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    try fail("not synced within \(timeout)" + (try await reasons(last, client)))
  }

  /// After asking all sources, how long one may take to bring a new target.
  private static let patience = Duration.seconds(5)

  /// While a source is unread, or the commit that is waited for is not seen, the target may come.
  private func refuseUnknown(_ client: AgentClient) async throws {
    let sources = try await client.status().sources
    guard sources.allSatisfy(\.isCurrent) else { return }
    if let commit {
      let prefix = commit.lowercased()
      guard sources.contains(where: { $0.commit?.rawValue.hasPrefix(prefix) == true }) else {
        return
      }
    }
    let statuses = try await client.targets()
    guard !statuses.contains(where: { $0.target == target }) else { return }
    let known = statuses.map(\.target.description).joined(separator: ", ")
    throw Complaint(
      "no source declares \(target); known: \(known.isEmpty ? "none" : known)"
        + Output().troubles(of: sources).dropLast())
  }

  /// What stands in the way, for whom the time was over.
  private func reasons(_ status: TargetStatus?, _ client: AgentClient) async throws -> String {
    var lines: [String] = []
    if let status {
      if let hold = status.hold { lines.append("hold: \(hold)") }
      lines += status.conditions.filter { $0.type != .ready || !$0.status }
        .map { "\($0.type.rawValue) \($0.status ? "True" : "False"): \($0.reason): \($0.message)" }
      lines += status.explanation
    } else {
      lines.append("the agent knows no such target yet")
    }
    return lines.map { "\n- \($0.visible)" }.joined()
      + Output().troubles(of: try await client.status().sources).dropLast()
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
