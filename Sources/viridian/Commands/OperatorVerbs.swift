import ArgumentParser
import Model

/// Sends one request and says what was recorded.
private func send(
  _ verb: OperatorRequest.Verb, _ options: ConfigurationOptions, _ reason: ReasonOptions
) async throws {
  let recorded = try await options.client().ask(verb, reason: reason.reason)
  print("recorded as request \(recorded.sequence) by \(recorded.by)")
}

/// What is asked for one target.
struct OneTarget: ParsableArguments {
  @Argument(help: "web@production") var target: TargetID
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var reason: ReasonOptions

  func ask(_ verb: (TargetID) -> OperatorRequest.Verb) async throws {
    try await send(verb(target), options, reason)
  }
}

struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Nothing new starts; rollback, abort and repair still work.")
  @Argument(help: "web@production; without it every target.") var target: TargetID?
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var reason: ReasonOptions
  func run() async throws { try await send(.pause(target), options, reason) }
}

struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Ends a pause.")
  @Argument(help: "web@production; without it every target.") var target: TargetID?
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var reason: ReasonOptions
  func run() async throws { try await send(.resume(target), options, reason) }
}

struct Abort: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Returns the traffic to stable and holds the digest until `retry` or another digest.")
  @OptionGroup var target: OneTarget
  func run() async throws { try await target.ask(OperatorRequest.Verb.abort) }
}

struct Retry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tries an aborted or held digest again.")
  @OptionGroup var target: OneTarget
  func run() async throws { try await target.ask(OperatorRequest.Verb.retry) }
}

struct Release: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lifts a quarantine and resets the replacement breaker.")
  @OptionGroup var target: OneTarget
  @Option(name: .long, help: "Only this stack digest (64 hexadecimal digits).")
  var digest: String?

  func run() async throws {
    let digest = try digest.map { text in
      guard let digest = Digest(hex: text.replacing("sha256:", with: "")) else {
        throw Complaint("--digest: \"\(text)\" is not 64 hexadecimal digits")
      }
      return digest
    }
    try await target.ask { .release($0, digest) }
  }
}

struct Adopt: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Accepts the world as it is after a lost ledger.")
  @Argument(help: "web@production") var target: TargetID?
  @Flag(name: .long, help: "Every target that is held for a lost ledger.") var all = false
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var reason: ReasonOptions

  func validate() throws {
    guard (target == nil) == all else { throw ValidationError("name one target, or --all") }
  }

  func run() async throws { try await send(.adopt(target), options, reason) }
}

struct Approve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Confirms something that waits for a person.",
    subcommands: [ApproveRemoval.self, ApproveRollout.self, ApproveFreeze.self])
}

struct ApproveRollout: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollout", abstract: "Lets the rollout go on after a step that asks for it.")
  @OptionGroup var target: OneTarget
  func run() async throws { try await target.ask(OperatorRequest.Verb.approve) }
}

struct ApproveFreeze: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freeze",
    abstract:
      "Lets what is declared now go through the freeze window that is open; --reason says why.")
  @OptionGroup var target: OneTarget

  func validate() throws {
    guard target.reason.reason?.isEmpty == false else {
      throw ValidationError("say why, for the history: --reason \"…\"")
    }
  }

  func run() async throws { try await target.ask(OperatorRequest.Verb.approveFreeze) }
}

struct Advance: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Does not wait for the rest of the step in progress; health gates stay.")
  @OptionGroup var target: OneTarget
  @Flag(name: .long, help: "Goes to the last step, with all traffic, at once.") var full = false
  func run() async throws { try await target.ask { .advance($0, isFull: full) } }
}

struct ApproveRemoval: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "removal", abstract: "Confirms the held removals of exactly this commit.")
  @Argument(help: "The full commit id, as `get` and `describe` show it.") var commit: String
  @OptionGroup var options: ConfigurationOptions
  @OptionGroup var reason: ReasonOptions

  func run() async throws {
    guard commit.count == 40, commit.allSatisfy(\.isHexDigit) else {
      throw Complaint("\"\(commit)\" is not a full commit id of 40 hexadecimal digits")
    }
    try await send(.approveRemoval(CommitID(rawValue: commit.lowercased())), options, reason)
  }
}

struct Sync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Asks every source at once.")
  @OptionGroup var options: ConfigurationOptions
  func run() async throws {
    try await options.client().sync()
    print("asked")
  }
}
