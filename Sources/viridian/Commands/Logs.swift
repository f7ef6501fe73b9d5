import ArgumentParser
import Display
import Model

struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The newest log lines of a stack's instances.")
  @Argument(help: "web@production") var target: TargetID
  @Option(help: "The stack's generation; without it the newest.") var generation: Int?
  @Option(help: "At most so many lines.") var lines = 100
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let generation = generation.map { Generation($0) }
    for line in try await options.client().logs(target, generation, lines: lines) {
      print(line.visible)
    }
  }
}
