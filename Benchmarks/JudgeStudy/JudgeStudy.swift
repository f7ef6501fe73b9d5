import Analysis
import Foundation
import JudgeTrials

/// Runs the judge over made-up canaries and prints what became of them as JSON, for
/// `Benchmarks/judge.py`. The same arguments give the same numbers.
@main struct JudgeStudy {
  static let minutes = 60
  static let errors = 0.001
  static let slow = 0.01
  static let ratios = [1.2, 2, 5, 10, 100]
  static let rates = [10.0, 100, 300, 3000]

  static func main() throws {
    let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 10_000
    let clock = ContinuousClock()
    let start = clock.now
    var cells: [Cell] = []
    for rate in rates {
      let plain = AnalysisPolicy()
      for ratio in [1, plain.errors.ratio] + ratios {
        cells.append(cell(.errors, rate, ratio, runs, plain, seed: cells.count))
      }
      let both = AnalysisPolicy(slow: ShareLimits())
      cells.append(cell(.errorsAndSlow, rate, 1, runs, both, seed: cells.count))
    }
    let spent = clock.now - start
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let study = Study(
      runs: runs, minutes: minutes, errorShare: errors, slowShare: slow,
      policy: AnalysisPolicy(), seconds: spent / .seconds(1), cells: cells)
    print(String(decoding: try encoder.encode(study), as: UTF8.self))
  }

  /// A candidate with `ratio` times the errors of its baseline, many times.
  private static func cell(
    _ judged: Cell.Judged, _ rate: Double, _ ratio: Double, _ runs: Int, _ policy: AnalysisPolicy,
    seed: Int
  ) -> Cell {
    let slow = judged == .errorsAndSlow ? slow : 0
    let trial = Trial(
      candidate: .init(requestsPerMinute: rate, errors: errors * ratio, slow: slow),
      baseline: .init(requestsPerMinute: rate, errors: errors, slow: slow), policy: policy)
    var cell = Cell(judged: judged, requestsPerMinute: rate, ratio: ratio)
    for run in 0..<runs {
      // So far apart in the generator's one sequence that no two runs share a part of it.
      var random = TrialRandom(seed: UInt64(run) << 32 + UInt64(seed))
      cell.add(trial.run(minutes: minutes, &random), minutes)
    }
    FileHandle.standardError.write(
      Data("\(judged) \(Int(rate))/min, \(ratio) times: \(cell.failed.last ?? 0) failed\n".utf8))
    return cell
  }
}

private struct Study: Encodable {
  var runs: Int
  var minutes: Int
  var errorShare: Double
  var slowShare: Double
  var policy: AnalysisPolicy
  var seconds: Double
  var cells: [Cell]
}

private struct Cell: Encodable {
  enum Judged: String, Encodable {
    case errors
    case errorsAndSlow
  }

  var judged: Judged
  var requestsPerMinute: Double
  var ratio: Double
  /// How many runs had failed by the end of minute 1, 2, ….
  var failed: [Int] = []
  /// How many had passed by then, before they failed.
  var passed: [Int] = []
  /// In how many the routing was ever doubted.
  var routing = 0

  mutating func add(_ outcome: Trial.Outcome, _ minutes: Int) {
    if failed.isEmpty {
      failed = Array(repeating: 0, count: minutes)
      passed = failed
    }
    for minute in (outcome.failed ?? minutes + 1)..<(minutes + 1) { failed[minute - 1] += 1 }
    for minute in (outcome.passed ?? minutes + 1)..<(minutes + 1) { passed[minute - 1] += 1 }
    if outcome.routing { routing += 1 }
  }
}
