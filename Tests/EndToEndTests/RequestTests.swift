import LedgerKit
import Model
import Support
import Testing

/// What people ask the running agent for is done, however much was asked before.
@Suite(.timeLimit(.minutes(5))) struct RequestTests {
  @Test func `one request after another is obeyed, also after a restart`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      for isPaused in [true, false, true] {
        try await host.run([isPaused ? "pause" : "resume", "--reason", "inventory"])
        try await host.until("paused: \(isPaused)") {
          try await host.status()?.isPaused == isPaused ? true : nil
        }
      }
      host.kill()
      try host.start()
      try host.remote.bump(to: "1.1.0")
      try await host.until("1.1.0 is declared") {
        try await host.status()?.desiredVersion == "1.1.0" ? true : nil
      }
      #expect(try await host.status()?.liveVersion == "1.0.0")
      try await host.run(["resume"])
      try await host.synced("1.1.0")
      let asked = try await host.history([.request]).filter { $0.message.contains(" asked: ") }
      #expect(asked.count == 4, "\(asked.map(\.message))")
    }
  }
}
