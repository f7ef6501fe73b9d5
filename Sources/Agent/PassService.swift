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
    var glance = Glance()
    for await _ in nudge.wakeUps.cancelOnGracefulShutdown() {
      let begun = clock.now()
      state = try await pass.run(state, at: begun)
      await shelf.put(state)
      soon?.cancel()
      let now = clock.now()
      let cost = now.elapsed(since: begun, limit: parts.interval)
      let pause = glance.pause(
        for: state.awakeRecords, cost: cost, interval: parts.interval, at: now)
      guard let pause else { continue }
      soon = Task {
        try await clock.sleep(pause)
        nudge()
      }
    }
    await parts.prober.stop()
  }
}
