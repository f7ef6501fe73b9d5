import Foundation
import Model
import PlatformKit
import Support
import Testing

/// The agent, or what it started, is killed from outside at each named point; the next agent ends
/// where an unharmed one would have.
@Suite(.timeLimit(.minutes(10))) struct FailpointTests {
  @Test func `every point lies on a journey`() {
    #expect(Set(Journey.allCases.flatMap(\.points)) == Set(Failpoint.names))
    #expect(Set(Crash.all.map(\.point)) == Set(Failpoint.names))
  }

  @Test(arguments: Crash.all)
  func `killed at a named point, the journey ends the same`(crash: Crash) async throws {
    let secrets = try TemporaryDirectory()
    try secrets.write("greeting", "hello\n", mode: 0o600)
    try await withHost(
      application: crash.journey.application, settings: "secrets: { directory: \(secrets.path) }"
    ) { host in
      try await crash.journey.prepare(host)
      try await crash.journey.setOut(host, to: crash.point)
      let stopped = try await host.untilStopped(at: crash.point)
      host.kill(stopped, at: crash.point)
      try await crash.journey.arrive(host)
    }
  }
}

/// One death on one journey.
struct Crash: CustomTestStringConvertible {
  var journey: Journey
  var point: String

  var testDescription: String { "\(journey.rawValue) \(point)" }

  /// Each point once, on the journey named for it or else on a bump; all with `VIRIDIAN_CRASHES`.
  static var all: [Crash] {
    Journey.allCases.flatMap { journey in
      journey.points.map { Crash(journey: journey, point: $0) }
    }
  }
}
