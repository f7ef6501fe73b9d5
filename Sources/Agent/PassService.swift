import LedgerKit
package import Logging
import Model
import ServiceLifecycle

/// Runs pass after pass: woken by the timer and by nudges, one at a time.
package struct PassService: Service {
  private let parts: AgentParts
  private let nudge: Nudge
  private let log: Logger
  private let clock: AgentClock
  private let shelf: StateShelf

  private static let glance = Duration.milliseconds(100)

  package init(
    parts: AgentParts, nudge: Nudge, shelf: StateShelf, log: Logger,
    clock: AgentClock = .host
  ) {
    self.parts = parts
    self.nudge = nudge
    self.shelf = shelf
    self.log = log
    self.clock = clock
  }

  package func run() async throws {
    let pass = Pass(parts: parts, log: log)
    var state = try PassState(try await parts.ledger.load())
    let timer = Task {
      while !Task.isCancelled {
        nudge()
        do { try await clock.sleep(parts.interval) } catch { return }
      }
    }
    defer { timer.cancel() }
    var soon: Task<Void, any Error>?
    defer { soon?.cancel() }
    for await _ in nudge.wakeUps.cancelOnGracefulShutdown() {
      state = try await pass.run(state, at: clock.now())
      await shelf.put(state)
      // Nobody tells when a launch is done, and nobody wants to wait a second to see it.
      soon?.cancel()
      guard state.isLaunching, parts.interval > Self.glance else { continue }
      soon = Task {
        try await clock.sleep(Self.glance)
        nudge()
      }
    }
    await parts.prober.stop()
  }
}
