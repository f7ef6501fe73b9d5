import Foundation
import Model
import PlatformKit
import Testing

/// The agent is killed from outside at each named point; the next one ends at the same state.
@Suite(.timeLimit(.minutes(10))) struct FailpointTests {
  /// Points on the way of a bump; those of an uninstall are not on it.
  static let points = Failpoint.names

  @Test(arguments: points)
  func `killed at a named point, the bump still ends the same`(point: String) async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      host.kill()
      try host.start(failpoint: point)
      try host.remote.bump(to: "1.1.0")
      // Not every point lies on the way of this bump; then the bump simply succeeds.
      _ = try await host.until("the point \(point) or the end is reached") {
        if FileManager.default.fileExists(atPath: host.failpointFile.path) { return true }
        let status = try? await host.status()
        return status?.liveVersion == "1.1.0" && status?.rollout == nil ? true : nil
      }
      try host.killAtFailpoint()
      try host.start()
      let status = try await host.synced("1.1.0")
      #expect(status.stacks.map(\.generation) == [1, 2], "one launch, no second")
      #expect(status.stacks.first { $0.generation == 2 }?.running == 2)
      #expect(try await host.answer().body.contains("1.1.0"))
    }
  }
}
