import Dispatch
import Foundation
import Simulation

/// What all threads have found.
final class Tally: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var failed = 0
  private var (schedules, whole, steps, longest) = (0, 0, 0, 0)
  private var seconds = 0.0
  private var hash: UInt64 = 0
  private var coverage = Coverage()

  /// More than anybody reads.
  private static let told = 50

  func measure(_ body: () -> Void) {
    let begin = DispatchTime.now()
    body()
    seconds = Double(DispatchTime.now().uptimeNanoseconds - begin.uptimeNanoseconds) / 1e9
  }

  func add(_ outcome: Outcome, _ name: String) {
    lock.withLock {
      schedules += 1
      if outcome.steps >= 200 { whole += 1 }
      steps += outcome.steps
      hash &+= outcome.hash
      longest = max(longest, outcome.settledAfter ?? 0)
      coverage.add(outcome.coverage)
      failed += outcome.violations.isEmpty ? 0 : 1
      if schedules % 20_000 == 0 {
        FileHandle.standardError.write(Data("  \(schedules) so far, \(failed) failed\n".utf8))
      }
      guard !outcome.violations.isEmpty else { return }
      // At once, also into a file.
      let text = "\(name): \(outcome.violations.joined(separator: "; "))\n"
      if failed <= Self.told { FileHandle.standardOutput.write(Data(text.utf8)) }
    }
  }

  var isUsed: Bool { schedules > 0 }

  var map: String { coverage.table }

  var sentence: String {
    "\(schedules) schedules of \(steps / max(1, schedules)) steps (\(whole) of at least 200),"
      + " \(failed) failed; as declared \(longest) ms after the last fault at most; \(Int(Double(schedules) / max(0.001, seconds)))"
      + " schedules/s, \(Int(Double(steps) / max(0.001, seconds))) steps/s; hash \(hash)"
  }
}
