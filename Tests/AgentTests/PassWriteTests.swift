import Agent
import LedgerKit
import Model
import Planning
import Testing

@Suite struct PassWriteTests {
  private let web = TargetID("web", "production")

  /// What a pass writes of a record in which nothing but its clock has changed.
  private func write(_ state: inout PassState, after seconds: Int) throws -> LedgerWrite {
    let now = Now(bootID: "b", sinceBoot: .seconds(seconds), wall: WallTime(milliseconds: 9))
    var record = try #require(state.records[web]?.value)
    record.clock = now
    let plan = TargetPlan(target: web, record: record, status: TargetStatus(target: web))
    let output = PlanningOutput(plan: [plan], memory: AgentMemory())
    return try state.write(for: output, sources: [:], intents: [], at: now)
  }

  /// With ten thousand targets that was a quarter of a cold start.
  @Test func `the first pass of a process writes no clocks, and one a minute later does`() throws {
    var state = try PassState(LedgerContents(isNew: false, lastSequence: 1))
    state.records = [web: Shared(TargetRecord(nextGeneration: 2))]
    let first = try write(&state, after: 9)
    #expect(first.records.isEmpty)
    // Without it the ledger would count as new at the next start.
    #expect(first.agentRecord != nil)
    #expect(try write(&state, after: 60).records.isEmpty)
    #expect(try write(&state, after: 70).records.keys.sorted() == [web])
  }
}
