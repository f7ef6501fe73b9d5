import LedgerKit
import Planning
import Testing

/// A ledger that is older than the world is that until every target has been told (S24).
@Suite struct OlderLedgerTests {
  private func settles(_ mode: AgentConditions.Mode, isOlder: Bool) async throws -> Bool {
    let agent = try await TwinAgent(plansAll: true, mode: mode, hasOlderLedger: isOlder)
    var settles = false
    for _ in 0..<3 {
      settles = try await agent.pass(after: .seconds(1))?.settlesLoss == true || settles
    }
    return settles
  }

  @Test func `an agent that acts tells them, one that observes does not`() async throws {
    #expect(try await settles(.act, isOlder: true))
    #expect(try await !settles(.observe, isOlder: true))
    #expect(try await !settles(.act, isOlder: false))
  }
}
