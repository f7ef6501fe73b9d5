import Planning
import Testing

/// The table of the manual, cell by cell: new, drift replace, repair, rollback, retire.
@Suite struct PrecedenceTests {
  private static let table: [(Precedence.Circumstance, [Precedence.Verdict])] = [
    (.paused, [.no, .no, .yes, .yes, .no]),
    (.frozen, [.keepsWeight, .alertOnly, .yes, .yes, .yes]),
    (.breakerHeld, [.anotherDigestOnly, .no, .healingOnly, .yes, .no]),
    (.sourceHeld, [.acceptedOnly, .lastGoodSpec, .yes, .yes, .neverForAbsence]),
    (.ledgerLost, [.no, .no, .healingOnly, .operatorOnly, .no]),
    (.observing, [.no, .no, .no, .no, .no]),
  ]

  @Test func `every cell is as the manual says`() {
    #expect(Self.table.map(\.0) == Precedence.Circumstance.allCases)
    for (circumstance, row) in Self.table {
      for (wish, verdict) in zip(Precedence.Wish.allCases, row) {
        #expect(Precedence.verdict(circumstance, wish) == verdict, "\(circumstance) \(wish)")
      }
    }
  }
}
