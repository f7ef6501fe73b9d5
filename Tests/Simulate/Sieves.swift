import ArgumentParser
import Dispatch
import Foundation
import Simulation
import Synchronization

/// Every reading of every story shown stale, wrong or not at all, and everything that may hide between two
/// of them.
struct Sieves: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sieve")

  @Option(help: "Only the story of this name.") var story: String?
  @Option(help: "within, lag or beyond: only tricks that the contracts judge so.")
  var contract: Trick.Contract?
  @Option(help: "Only tricks whose description begins with this.") var trick: String?
  @Option(help: "Readings in a row that are stale: 1,3.") var times = "1,3"
  @Option(help: "Of the tricks of each story, every so many.") var every = 1
  @Option(help: "Where to write what was found, a line for each.") var findings: String?
  @Option(help: "How many side by side.") var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Tell the history of each trick.") var told = false

  func run() throws {
    let times = times.split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
    guard every > 0 else { throw ValidationError("--every: a number above 0") }
    guard !times.isEmpty else { throw ValidationError("--times: numbers above 0") }
    let stories = Story.all.filter { story == nil || $0.name == story }
    let (tallies, found) = (Tallies(), Found())
    tallies.measure {
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for (index, story) in stories.enumerated() where index % threads == thread {
          for (number, trick) in story.tricks(times: times).enumerated()
          where isDrawn(number) && isWanted(trick) {
            let outcome = play(trick, in: story, found)
            tallies[trick.contract].add(outcome, "\(story.name), \(trick)")
          }
        }
      }
    }
    for contract in Trick.Contract.allCases where tallies[contract].isUsed {
      print("\n\(contract.rawValue): \(tallies[contract].sentence)\n\(tallies[contract].map)")
    }
    print("\n\(found.summary)")
    if let findings { try found.text.write(toFile: findings, atomically: true, encoding: .utf8) }
    if tallies[.within].failed > 0 { throw ExitCode(1) }
  }

  /// Spread over all kinds of tricks, which come in turn.
  private func isDrawn(_ number: Int) -> Bool {
    Int((UInt64(number) &* 0x9E37_79B9_7F4A_7C15) >> 40) % every == 0
  }

  private func isWanted(_ trick: Trick) -> Bool {
    contract.map { $0 == trick.contract } ?? true
      && self.trick.map { trick.description.hasPrefix($0) } ?? true
  }

  private func play(_ trick: Trick, in story: Story, _ found: Found) -> Outcome {
    let simulation = Simulation(story.schedule, isTold: told)
    simulation.sieve.trick = trick
    let outcome = simulation.run()
    if told { print(outcome.trace.joined(separator: "\n")) }
    if let violation = outcome.violations.first {
      found.add(
        Found.Line(
          contract: trick.contract, story: story.name, trick: trick,
          step: simulation.sieve.played?.step ?? "never", at: simulation.sieve.played?.at ?? 0,
          violation: violation))
    }
    return outcome
  }
}

extension Trick.Contract: ExpressibleByArgument {}

/// One tally for each contract.
final class Tallies: Sendable {
  private let all: [Trick.Contract: Tally]

  init() {
    all = Dictionary(uniqueKeysWithValues: Trick.Contract.allCases.map { ($0, Tally()) })
  }

  subscript(contract: Trick.Contract) -> Tally { all[contract] ?? Tally() }

  /// The time of all together is the time of each.
  func measure(_ body: () -> Void) {
    func measured(_ rest: ArraySlice<Trick.Contract>) {
      guard let next = rest.first else { return body() }
      self[next].measure { measured(rest.dropFirst()) }
    }
    measured(Trick.Contract.allCases[...])
  }
}

/// What broke, as data.
final class Found: Sendable {
  struct Line {
    var contract: Trick.Contract
    var story: String
    var trick: Trick
    var step: String
    /// When the trick was played, in milliseconds of the story.
    var at: Int
    var violation: String

    var invariant: String { String(violation.prefix { $0 != ":" }) }
    var key: String { "\(contract.rawValue)\t\(trick.name)\t\(invariant)" }
    var text: String {
      "\(contract.rawValue)\t\(story)\t\(trick)\t\(at)\t\(step)\t\(violation)"
    }
  }

  private let lines = Mutex<[Line]>([])

  func add(_ line: Line) { lines.withLock { $0.append(line) } }

  /// Sorted, with a head, for a file.
  var text: String {
    let head = "contract\tstory\ttrick\tat ms\tstep\tviolation"
    let all = lines.withLock { $0.map(\.text) }
    return ([head] + all.sorted()).joined(separator: "\n") + "\n"
  }

  /// How often which trick broke which invariant, and in how many stories.
  var summary: String {
    let groups = Dictionary(grouping: lines.withLock { $0 }, by: \.key)
    guard !groups.isEmpty else { return "Nothing broke." }
    return groups.sorted { $0.key < $1.key }.map { key, lines in
      "\(key)\t\(lines.count) times in \(Set(lines.map(\.story)).count) stories"
    }.joined(separator: "\n")
  }
}
