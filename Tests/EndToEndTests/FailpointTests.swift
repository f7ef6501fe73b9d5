import Foundation
import Model
import PlatformKit
import Support
import Testing

/// The agent, or what it started, is killed from outside at each named point; the next agent ends
/// where an unharmed one would have.
@Suite(.timeLimit(.minutes(30))) struct FailpointTests {
  @Test func `every point lies on a journey`() {
    #expect(Set(Journey.allCases.flatMap(\.points)) == Set(Failpoint.names + Failpoint.tasks))
    for crash in Crash.representative {
      #expect(crash.journey.points.contains(crash.point), "\(crash) is not on its journey")
    }
    #expect(Set(Crash.representative.map(\.journey)) == Set(Journey.allCases))
  }

  @Test(arguments: Crash.chosen)
  func `killed at a named point, the journey ends the same`(crash: Crash) async throws {
    let secrets = try TemporaryDirectory()
    try secrets.write("greeting", "hello\n", mode: 0o600)
    try await withHost(
      application: crash.journey.application(secrets.path),
      settings: "secrets: { directory: \(secrets.path) }"
    ) { host in
      try await crash.journey.prepare(host)
      try await crash.journey.setOut(host, to: crash.point)
      let stopped = try await host.untilStopped(at: crash.point)
      try await host.kill(stopped, at: crash.point)
      try await crash.journey.arrive(host, secrets.path)
    }
  }
}

/// One death on one journey.
struct Crash: CustomTestStringConvertible {
  var journey: Journey
  var point: String

  var testDescription: String { "\(journey.rawValue) \(point)" }

  /// All 145 take minutes: `VIRIDIAN_CRASHES=all` asks for them, as `make failpoints` does.
  static var chosen: [Crash] {
    ProcessInfo.processInfo.environment["VIRIDIAN_CRASHES"] == "all" ? all : representative
  }

  static let all = Journey.allCases.flatMap { journey in
    journey.points.map { Crash(journey, $0) }
  }

  /// Each journey, each program that may die, and each kind of half-done work.
  static let representative = [
    Crash(.firstLaunch, "haproxy.reload.before"),
    Crash(.bump, "executor.before-ensure"), Crash(.bump, "unpack.after-entry"),
    Crash(.bump, "keeper.after-fork"), Crash(.bump, "haproxy.apply.between-commands"),
    Crash(.revert, "haproxy.apply.before-commit-map"),
    Crash(.replacement, "local.ensure.after-keeper"),
    Crash(.supersede, "keeper.before-stop"),
    Crash(.drain, "haproxy.apply.before-cut"),
    Crash(.job, "keeper.after-task-start"), Crash(.job, "local.task.after-order"),
    Crash(.uninstall, "local.retire.after-mark"),
  ]

  private init(_ journey: Journey, _ point: String) {
    self.journey = journey
    self.point = point
  }
}
