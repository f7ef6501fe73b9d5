import Foundation
import LedgerKit
import LedgerStore
import Model
import Testing

@Suite struct ChainTests {
  /// How the file is changed, and the first entry that must be named.
  static let tampering: [(String, Int)] = [
    ("UPDATE entry SET message = 'x' WHERE sequence = 4", 4),
    ("UPDATE entry SET at = at + 1 WHERE sequence = 1", 1),
    ("UPDATE entry SET kind = 'intent' WHERE sequence = 5", 5),
    ("UPDATE entry SET target = 'a@b' WHERE sequence = 5", 5),
    ("UPDATE entry SET details = '{}' WHERE sequence = 5", 5),
    ("DELETE FROM entry WHERE sequence = 4", 4),
    ("DELETE FROM entry WHERE sequence <= 4", 1),
    ("DELETE FROM entry WHERE sequence > 7", 8),
    ("DELETE FROM entry", 1),
    (
      """
      UPDATE entry SET sequence = 100 WHERE sequence = 4; UPDATE entry SET sequence = 4
      WHERE sequence = 5; UPDATE entry SET sequence = 5 WHERE sequence = 100
      """, 4
    ),
    (
      "INSERT INTO entry SELECT 11, at, kind, target, generation, pass, message, details, mac FROM entry WHERE sequence = 10",
      11
    ),
    (
      """
      DELETE FROM entry WHERE sequence > 7;
      UPDATE head SET sequence = 7, mac = (SELECT mac FROM entry WHERE sequence = 7)
      """, 0
    ),
    ("UPDATE record SET json = '{\"stable\":9}'", 10),
    ("UPDATE status SET key = 'other@production'", 10),
    ("UPDATE alert SET json = replace(json, 'drift', 'quiet')", 10),
  ]

  @Test(arguments: tampering) func `tampering is found and named`(
    sql: String, firstBroken: Int
  ) async throws {
    let place = try Place()
    let ledger = try place.open()
    var write = notes(1...10)
    write.records = [web: #"{"stable":1}"#]
    write.statuses = [web: TargetStatus(target: web)]
    write.alerts = [alert("k")]
    try await ledger.commit(write)
    #expect(try await ledger.verify() == ChainReport(entries: 10, checkpoints: 0))
    try place.tamper(sql)
    let report = try await ledger.verify()
    #expect(report.reason != nil)
    #expect(report.firstBroken == firstBroken)
  }

  @Test func `another identity key does not fit`() async throws {
    let place = try Place()
    try await place.open().commit(notes(1...3))
    let other = try LedgerStore.open(at: place.path, key: key(8))
    #expect(try await other.verify().firstBroken == 1)
    await #expect(throws: LedgerError.self) { try await other.load() }
    await #expect(throws: LedgerError.self) { try await other.commit(notes(4...4)) }
  }

  @Test func `a changed record or a cut-off end is damage at the start`() async throws {
    for sql in ["UPDATE record SET json = '{}'", "DELETE FROM entry WHERE sequence = 3"] {
      let place = try Place()
      let ledger = try place.open()
      var write = notes(1...3)
      write.records = [web: #"{"stable":1}"#]
      try await ledger.commit(write)
      try place.tamper(sql)
      await #expect {
        try await ledger.load()
      } throws: { error in
        if case LedgerError.damaged = error { true } else { false }
      }
    }
  }

  @Test func `flipped bytes in the file are never taken for a good ledger`() async throws {
    let place = try Place()
    do {
      let ledger = try place.open()
      // All of one length: "entry 10" and a MAC that begins with 0x30 would read as "entry 100".
      try await ledger.commit(notes(101...300, target: web))
      try await ledger.backup(to: place.file("good.db"))
      try ledger.close()
    }
    let good = try Data(contentsOf: URL(fileURLWithPath: place.file("good.db")))
    let identity = try key()
    let marker = try #require(good.range(of: Data("entry 200".utf8)))
    for offset in [marker.lowerBound + 2, 60 * 1024, good.count - 4096 * 2] {
      guard offset < good.count else { continue }
      var bad = good
      bad[offset] ^= 0x11
      let path = place.file("bad-\(offset).db")
      try bad.write(to: URL(fileURLWithPath: path))
      do throws(LedgerError) {
        let report = try await LedgerStore.openReadOnly(at: path, key: identity).verify()
        // A byte in unused space changes nothing and may stay unseen.
        if offset == marker.lowerBound + 2 { #expect(report.firstBroken == 100) }
      } catch {
        if case .damaged = error { continue }
        Issue.record("\(error)")
      }
    }
  }
}
