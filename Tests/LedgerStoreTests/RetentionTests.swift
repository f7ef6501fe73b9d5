import Foundation
import LedgerKit
import LedgerStore
import Model
import Testing

@Suite struct RetentionTests {
  private let mail = TargetID("mail", "production")

  /// Twenty entries, two targets and the agent's own in turn.
  private func filled(_ place: Place) async throws -> LedgerStore {
    let ledger = try place.open()
    let targets: [TargetID?] = [web, mail, nil]
    try await ledger.commit(
      LedgerWrite(entries: (1...20).map { note($0, target: targets[$0 % 3]) }))
    return ledger
  }

  @Test func `old entries go, checkpoints take their place and the rest is still proven`()
    async throws
  {
    let place = try Place()
    let ledger = try await filled(place)
    let wall = WallTime(milliseconds: 15_000)
    // 15…20 are young enough; of the older ones each target keeps its newest four in all.
    #expect(try await ledger.prune(olderThan: wall, keep: 4) == 8)
    let report = try await ledger.verify()
    #expect(report == ChainReport(entries: 12, checkpoints: 1))
    let all = try await ledger.history(HistoryQuery())
    #expect(all.map(\.sequence) == Array((8...20).reversed()))
    let checkpoint = try #require(all.last)
    #expect(checkpoint.kind == .checkpoint)
    #expect(checkpoint.details?["count"] == 8)
    #expect(checkpoint.message == "retention removed 8 entries, 1 to 8")
    // It goes on: new entries follow, a second pruning merges the checkpoints.
    try await ledger.commit(notes(21...25))
    #expect(try await ledger.prune(olderThan: WallTime(milliseconds: 90_000), keep: 1) == 14)
    #expect(try await ledger.verify().reason == nil)
    #expect(try await ledger.load().lastSequence == 25)
  }

  @Test func `everything may go and the chain still goes on`() async throws {
    let place = try Place()
    let ledger = try await filled(place)
    #expect(try await ledger.prune(olderThan: WallTime(milliseconds: 90_000), keep: 0) == 20)
    #expect(try await ledger.verify() == ChainReport(entries: 0, checkpoints: 1))
    #expect(try await ledger.load().lastSequence == 20)
    #expect(try await ledger.commit(notes(21...21)) == 21)
    #expect(try await ledger.prune(olderThan: WallTime(milliseconds: 0), keep: 0) == 0)
    #expect(try await ledger.verify() == ChainReport(entries: 1, checkpoints: 1))
  }

  @Test(arguments: [
    "UPDATE entry SET details = replace(details, '\"first\":1', '\"first\":2') WHERE kind = 'checkpoint'",
    "DELETE FROM entry WHERE kind = 'checkpoint'",
    "DELETE FROM entry WHERE sequence = 9",
    "UPDATE entry SET kind = 'note' WHERE kind = 'checkpoint'",
    "UPDATE entry SET sequence = 7 WHERE kind = 'checkpoint'",
    "UPDATE entry SET kind = 'checkpoint' WHERE sequence = 12",
  ]) func `a forged checkpoint is found`(sql: String) async throws {
    let place = try Place()
    let ledger = try await filled(place)
    try await ledger.prune(olderThan: WallTime(milliseconds: 15_000), keep: 4)
    try place.tamper(sql)
    #expect(try await ledger.verify().reason != nil)
  }

  @Test func `an entry of a restored twin does not fit before a checkpoint`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...3))
    try await ledger.backup(to: place.file("twin.db"))
    try await ledger.commit(notes(4...4, target: mail))
    try await ledger.commit(notes(5...10))
    #expect(try await ledger.prune(olderThan: WallTime(milliseconds: 9000), keep: 1) == 7)
    let twin = try LedgerStore.open(at: place.file("twin.db"), key: key())
    var other = note(4, target: mail)
    other.message = "what the twin did"
    try await twin.commit(LedgerWrite(entries: [other]))
    try place.tamper(
      """
      ATTACH '\(place.file("twin.db"))' AS twin;
      REPLACE INTO entry SELECT * FROM twin.entry WHERE sequence = 4;
      """)
    #expect(try await ledger.verify().firstBroken == 5)
  }

  @Test func `retention does not sign over a forged history`() async throws {
    let place = try Place()
    let ledger = try await filled(place)
    try place.tamper("UPDATE entry SET message = 'x' WHERE sequence = 2")
    await #expect {
      try await ledger.prune(olderThan: WallTime(milliseconds: 90_000), keep: 0)
    } throws: { error in
      if case LedgerError.refused = error { true } else { false }
    }
    #expect(try await ledger.history(HistoryQuery()).count == 20)
  }
}
