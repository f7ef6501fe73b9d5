import ArgumentParser

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Prints the version.")
  func run() { print("viridian \(Version.text)") }
}

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a completion script for a shell.")
  @Argument(help: "bash, zsh or fish") var shell: String

  func run() throws {
    guard let shell = CompletionShell(rawValue: shell) else {
      throw Complaint("no completion for \"\(shell)\": choose bash, zsh or fish")
    }
    print(Viridian.completionScript(for: shell))
  }
}
