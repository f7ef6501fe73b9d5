import Foundation
import Simulation
import Testing

/// Simulated histories of the real agent: a few of those that `make simulate` and `make deaths` run.
@Suite struct SimulationTests {
  private static let seeds = 3000
  private static let groups = 8

  @Test(arguments: 0..<groups) func `no seed breaks an invariant`(_ group: Int) {
    for seed in stride(from: group + 1, through: Self.seeds, by: Self.groups) {
      let outcome = Simulation(Schedule(seed: UInt64(seed))).run(
        toRest: Schedule.isFollowedToRest(seed))
      #expect(outcome.violations.isEmpty, "seed \(seed)")
    }
  }

  private static let isOrdered =
    ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil

  @Test(.enabled(if: isOrdered), arguments: 5...8)
  func `a seed gives the same history every time`(_ seed: Int) {
    let outcomes = (0..<2).map { _ in Simulation(Schedule(seed: UInt64(seed))).run() }
    #expect(outcomes[0].hash == outcomes[1].hash)
    #expect(outcomes[0].steps > 100)
  }

  @Test func `a schedule says the same in a file`() throws {
    let schedule = Schedule(seed: 11)
    let copy = try JSONDecoder().decode(Schedule.self, from: try JSONEncoder().encode(schedule))
    #expect(Simulation(copy).run().hash == Simulation(schedule).run().hash)
  }

  /// Schedules that have found something, made as small as they get; what they found is in
  /// docs/found.md.
  private static let regressions =
    (try? FileManager.default.contentsOfDirectory(
      atPath: folder.path()))?.filter { $0.hasSuffix(".json") }.sorted() ?? []
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Regressions/")

  @Test(arguments: regressions) func `what was found once does not come back`(_ file: String) throws
  {
    let data = try Data(contentsOf: Self.folder.appending(path: file))
    let schedule = try JSONDecoder().decode(Schedule.self, from: data)
    #expect(Simulation(schedule).run().violations.isEmpty, "\(file)")
  }

  @Test func `the regressions are found`() { #expect(!Self.regressions.isEmpty) }

  /// Some of those that `make sieve` plays, the same every time.
  @Test(arguments: Story.all)
  func `a reading that fails, or an event that nobody sees, changes nothing`(_ story: Story) {
    let all = story.tricks(times: [1]).filter { $0.contract == .within }
    for trick in stride(from: all.count / 8, to: all.count, by: max(1, all.count / 2)).map({
      all[$0]
    }) {
      let simulation = Simulation(story.schedule)
      simulation.sieve.trick = trick
      #expect(simulation.run().violations.isEmpty, "\(story.name), \(trick)")
    }
  }

  /// The stride changes with nothing, so that it is the same deaths every time.
  @Test(arguments: Story.all) func `death in the middle of a story changes nothing`(_ story: Story)
  {
    let all = story.deaths(pairsEvery: 0)
    for deaths in stride(from: all.count / 10, to: all.count, by: max(1, all.count / 3)).map({
      all[$0]
    }) {
      let simulation = Simulation(story.schedule)
      simulation.deaths = deaths
      #expect(simulation.run().violations.isEmpty, "\(story.name), dead at \(deaths)")
    }
  }
}
