import ArgumentParser
import Dispatch
import Foundation
import Simulation

/// Runs many simulated histories and says what was wrong with any of them.
@main struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "viridian-simulate",
    abstract: "Simulated histories of the real agent: each seed is one, and always the same.")

  @Option(help: "How many seeds.") var seeds = 1000
  @Option(help: "The first seed.") var from = 1
  @Option(help: "How many side by side.") var threads = 2
  @Flag(help: "Tell what happens in each.") var told = false

  func run() throws {
    let begin = DispatchTime.now()
    let tally = Tally()
    let share = (seeds + threads - 1) / threads
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for seed in (from + thread * share)..<min(from + seeds, from + (thread + 1) * share) {
        let outcome = Simulation(Schedule(seed: UInt64(seed)), isTold: told).run()
        tally.add(outcome, seed)
        if told { print(outcome.trace.joined(separator: "\n")) }
      }
    }
    let time = Double(DispatchTime.now().uptimeNanoseconds - begin.uptimeNanoseconds) / 1e9
    tally.tell(time)
    if tally.failed > 0 { throw ExitCode(1) }
  }
}

/// What all threads have found.
final class Tally: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var failed = 0
  private var (schedules, steps, longest) = (0, 0, 0)
  private var hash: UInt64 = 0
  private var coverage = Coverage()

  func add(_ outcome: Outcome, _ seed: Int) {
    lock.withLock {
      schedules += 1
      steps += outcome.steps
      hash &+= outcome.hash
      longest = max(longest, outcome.settledAfter ?? 0)
      coverage.add(outcome.coverage)
      guard !outcome.violations.isEmpty else { return }
      failed += 1
      // At once, also into a file.
      let text = "seed \(seed): \(outcome.violations.joined(separator: "; "))\n"
      if failed <= 50 { FileHandle.standardOutput.write(Data(text.utf8)) }
    }
  }

  func tell(_ seconds: Double) {
    print(coverage.table)
    print(
      "\(schedules) schedules, \(steps) steps, \(failed) failed, hash \(hash), settled after"
        + " \(longest) ms at most, \(Int(Double(schedules) / seconds)) schedules/s,"
        + " \(steps / max(1, schedules)) steps each")
  }
}
