import Foundation
package import Model

/// Reads the clocks of this machine: the only place that does.
package enum HostClock {
  /// The kernel's boot id, CLOCK_BOOTTIME and the wall clock, read now.
  package static func now() -> Now {
    // Swift's continuous clock is CLOCK_BOOTTIME on Linux, and its epoch is the boot.
    let sinceBoot = ContinuousClock.now - ContinuousClock().systemEpoch
    return Now(bootID: bootID, sinceBoot: sinceBoot, wall: wall())
  }

  /// CLOCK_REALTIME in milliseconds.
  package static func wall() -> WallTime {
    WallTime(milliseconds: Int(Date().timeIntervalSince1970 * 1000))
  }

  /// One boot for the life of this process. Where /proc cannot be read every process counts as a
  /// boot of its own: accumulated times then stand still over a restart, which is the safe side.
  private static let bootID: String = {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let bytes = FileManager.default.contents(atPath: path) else { return UUID().uuidString }
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }()
}

/// Where an agent's parts get the time and wait: the host's clocks, or a simulation's.
package struct AgentClock: Sendable {
  package var now: @Sendable () -> Now
  /// Waits for that long on the boot clock; throws when its task is cancelled.
  package var sleep: @Sendable (Duration) async throws -> Void
  package init(
    now: @escaping @Sendable () -> Now, sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.now = now
    self.sleep = sleep
  }

  package static let host = AgentClock(now: HostClock.now) { try await Task.sleep(for: $0) }
}
