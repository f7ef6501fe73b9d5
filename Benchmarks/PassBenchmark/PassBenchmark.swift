import Agent
import ArgumentParser
import Foundation
import LedgerKit
import LedgerStore
import Logging
import Model
import Planning
import PlatformKit

/// The cost of passes over a settled fleet: real planner, checks, ledger and agent; memory platform.
@main
struct PassBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures no-op passes over a settled fleet and prints one line of JSON.")
  @Option(help: "Targets of the fleet.") var targets = 10_000
  @Option(help: "Passes that are measured.") var passes = 20
  @Flag(help: "Measure passes over targets that bake, in place of settled ones.") var busy = false

  func run() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "viridian-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { removeQuietly(directory) }
    let fleet = try await Fleet(
      directory: directory.path, targets: targets, bake: busy ? .seconds(86_400) : .seconds(2))
    let start = ContinuousClock.now
    if busy { try await fleet.bake() } else { try await fleet.settle() }
    let settled = ContinuousClock.now - start
    let entries = fleet.state.lastSequence
    let (writes, cpu) = (await fleet.router.writes, processorTime())
    for _ in 0..<passes { try await fleet.pass() }
    let used = processorTime() - cpu
    let report: [String: CanonicalValue] = [
      "targets": .integer(targets), "passes": .integer(passes),
      "settleMilliseconds": .integer(settled.wholeMilliseconds),
      "cpuMicrosecondsPerPass": .integer(Int(used * 1_000_000) / passes),
      "residentMiB": .integer(residentBytes() >> 20),
      "launches": .integer(await fleet.platform.launches - targets),
      "routeWrites": .integer(await fleet.router.writes - writes),
      "ledgerEntries": .integer(fleet.state.lastSequence - entries),
    ]
    print(CanonicalValue.object(report).json)
  }

  private func removeQuietly(_ directory: URL) {
    do { try FileManager.default.removeItem(at: directory) } catch {
      FileHandle.standardError.write(Data("cannot remove \(directory.path): \(error)\n".utf8))
    }
  }
}

/// User and system time of this process, in seconds.
private func processorTime() -> Double {
  var usage = rusage()
  getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Resident memory now, from /proc.
private func residentBytes() -> Int {
  let text = FileManager.default.contents(atPath: "/proc/self/statm").map {
    String(decoding: $0, as: UTF8.self)
  }
  let pages = text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  return pages * Int(getpagesize())
}
