import ArgumentParser
import Dispatch
import Foundation
import Glibc
import Simulation

/// Runs many simulated histories and says what was wrong with any of them.
@main struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "viridian-simulate",
    abstract: "Simulated histories of the real agent: each seed is one, and always the same.",
    subcommands: [Run.self, Replay.self, Shrink.self, Deaths.self, Sieves.self],
    defaultSubcommand: Run.self)

  /// Sets and dictionaries must give their elements in the same order every time, or no history repeats:
  /// the runtime reads that from its environment when a process begins.
  static func main() {
    let variable = "SWIFT_DETERMINISTIC_HASHING"
    if getenv(variable) == nil {
      setenv(variable, "1", 1)
      var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
      arguments.append(nil)
      execv("/proc/self/exe", arguments)
    }
    main(nil)
  }
}

/// Many seeds, side by side.
struct Run: ParsableCommand {
  @Option(help: "How many seeds.") var seeds = 1000
  @Option(help: "The first seed.") var from = 1
  @Option(help: "How many side by side.") var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Each seed twice, which must give the same history.") var twice = false
  @Flag(help: "End with the first seed that fails.") var first = false
  @Flag(help: "How often each fault met each step of a rollout.") var map = false

  func run() throws {
    let tally = Tally()
    tally.measure {
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for seed in stride(from: from + thread, to: from + seeds, by: threads)
        where !(first && tally.failed > 0) {
          let toRest = Schedule.isFollowedToRest(seed)
          var outcome = Simulation(Schedule(seed: UInt64(seed))).run(toRest: toRest)
          if twice,
            Simulation(Schedule(seed: UInt64(seed))).run(toRest: toRest).hash != outcome.hash
          {
            outcome.violations.append("determinism: another history the second time")
          }
          tally.add(outcome, "seed \(seed)")
        }
      }
    }
    if map { print(tally.map) }
    print(tally.sentence)
    if tally.failed > 0 { throw ExitCode(1) }
  }
}

/// Where a schedule comes from: a seed, or a file.
struct Choice: ParsableArguments {
  @Option(help: "The seed.") var seed: UInt64?
  @Option(help: "A file that `shrink` has written.") var file: String?

  func schedule() throws -> Schedule {
    if let file {
      let data = try Data(contentsOf: URL(fileURLWithPath: file))
      return try JSONDecoder().decode(Schedule.self, from: data)
    }
    guard let seed else { throw ValidationError("--seed or --file") }
    return Schedule(seed: seed)
  }
}

/// One history, told.
struct Replay: ParsableCommand {
  @OptionGroup var choice: Choice

  func run() throws {
    let outcome = Simulation(try choice.schedule(), isTold: true).run()
    print(outcome.trace.joined(separator: "\n"))
    print("hash \(outcome.hash), \(outcome.steps) steps")
    for violation in outcome.violations { print(violation) }
    if !outcome.violations.isEmpty { throw ExitCode(1) }
  }
}

/// A failing history, made as small as it gets.
struct Shrink: ParsableCommand {
  @OptionGroup var choice: Choice
  @Option(help: "Where to write it.") var to = "shrunk.json"

  func run() throws {
    guard var shrink = Shrinker(try choice.schedule()) else {
      print("It does not fail.")
      return
    }
    shrink.run()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try encoder.encode(shrink.schedule).write(to: URL(fileURLWithPath: to))
    let (events, windows) = (shrink.schedule.happenings.count, shrink.schedule.windows.count)
    print("\(to): \(events) happenings and \(windows) windows are left after \(shrink.runs) runs")
  }
}
