import Agent
import ArgumentParser
import CHost
import Foundation
import Model

/// The cost of passes over a settled fleet: real planner, checks, ledger and agent; memory platform.
@main
struct PassBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures passes over a settled fleet and prints one line of JSON.",
    discussion: """
      One process launches the fleet and lets it settle; then another finds platform, router and
      ledger as the first has left them, as an agent that is started anew.
      """)
  @Option(help: "Targets of the fleet.") var targets = 10_000
  @Option(help: "Passes that are measured.") var passes = 20
  @Option(help: "Commits that change the version of one target.") var bumps = 5
  @Flag(help: "Measure passes over targets that bake, in place of settled ones.") var busy = false
  @Option(help: ArgumentHelp("The directory of a settled fleet.", visibility: .hidden))
  var anew: String?

  /// As the agent begins.
  @MainActor static func main() async {
    _ = chost_share_arena()
    await main(nil)
  }

  func run() async throws {
    if let anew { return try await startAnew(anew) }
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "viridian-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { removeQuietly(directory) }
    let fleet = try await Fleet(
      directory: directory.path, targets: targets, bake: busy ? .seconds(86_400) : .seconds(2))
    let start = ContinuousClock.now
    if busy { try await fleet.bake() } else { try await fleet.settle() }
    let settled = ContinuousClock.now - start
    var report: [String: CanonicalValue] = [
      "targets": .integer(targets), "passes": .integer(passes),
      "settleMilliseconds": .integer(settled.wholeMilliseconds),
    ]
    report.merge(try await quietPasses(fleet)) { _, new in new }
    if !busy {
      try await fleet.world.save(directory.path)
      report["anew"] = try again(directory.path)
    }
    print(CanonicalValue.object(report).json)
  }

  /// Passes in which nothing is to be done, and what they did all the same.
  private func quietPasses(_ fleet: Fleet) async throws -> [String: CanonicalValue] {
    let entries = fleet.state.lastSequence
    let (launches, writes) = (await fleet.platform.launches, await fleet.router.writes)
    let used = try await Usage.microseconds { for _ in 0..<passes { try await fleet.pass() } }
    return [
      "cpuMicrosecondsPerPass": .integer(used / max(1, passes)),
      "residentMiB": .integer(Usage.residentMiB()),
      "launches": .integer(await fleet.platform.launches - launches),
      "routeWrites": .integer(await fleet.router.writes - writes),
      "ledgerEntries": .integer(fleet.state.lastSequence - entries),
    ]
  }

  /// In a process of its own: a fresh one has no memory of the launches.
  private func again(_ directory: String) throws -> CanonicalValue {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "--targets", "\(targets)", "--passes", "\(passes)", "--bumps", "\(bumps)",
      "--anew", directory,
    ]
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw AgentError.startup("the agent that was started anew failed")
    }
    return try JSONDecoder().decode(CanonicalValue.self, from: text)
  }

  private func startAnew(_ directory: String) async throws {
    var report: [String: CanonicalValue] = ["programMiB": .integer(Usage.residentMiB())]
    let world = try World(readFrom: directory)
    let (platform, router) = (MemoryPlatform(world.stacks), MemoryRouter(world.routes))
    report["platformMiB"] = .integer(Usage.residentMiB())
    let start = ContinuousClock.now
    var fleet: Fleet?
    let used = try await Usage.microseconds {
      let new = try await Fleet(
        directory: directory, targets: targets, platform: platform, router: router)
      try await new.pass()
      fleet = new
    }
    guard let fleet else { return }
    report["startMilliseconds"] = .integer((ContinuousClock.now - start).wholeMilliseconds)
    report["startCPUMilliseconds"] = .integer(used / 1000)
    report["startPlanned"] = .integer(fleet.state.planned)
    report["startResidentMiB"] = .integer(Usage.residentMiB())
    try await fleet.settle()
    report.merge(try await quietPasses(fleet)) { _, new in new }
    var (taking, planning, planned): ([Int], [Int], [Int]) = ([], [], [])
    for number in 0..<bumps {
      taking.append(try await Usage.microseconds { try await fleet.commit(bumping: number) })
      planning.append(try await Usage.microseconds { try await fleet.pass() })
      planned.append(fleet.state.planned)
      try await fleet.checkStatuses()
      try await fleet.settle()
    }
    report["bumpTakenCPUMicroseconds"] = .array(taking.map { .integer($0) })
    report["bumpPlannedCPUMicroseconds"] = .array(planning.map { .integer($0) })
    report["bumpPlanned"] = .array(planned.map { .integer($0) })
    report["endResidentMiB"] = .integer(Usage.residentMiB())
    print(CanonicalValue.object(report).json)
  }

  private func removeQuietly(_ directory: URL) {
    do { try FileManager.default.removeItem(at: directory) } catch {
      FileHandle.standardError.write(Data("cannot remove \(directory.path): \(error)\n".utf8))
    }
  }
}
