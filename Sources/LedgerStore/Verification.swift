import GRDB
import LedgerKit
import Model

/// Walks everything that carries a MAC, with one row in memory at a time.
struct Verification {
  static let tables = ["record", "agent", "status", "fingerprint"]

  let db: Database
  let key: IdentityKey

  /// Damage ends the walk and is reported like tampering: what was read until then is known good.
  func run() throws -> ChainReport {
    let head = try Head.read(db)
    var walk = ChainWalk(Chain(key: key, ledger: head.ledger))
    do {
      try walkEntries(&walk) { _, _ in }
      walk.finish(head)
      for table in Self.tables { try checkRows(table, &walk) }
      try checkAlerts(&walk)
      let integrity = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") ?? "no answer"
      if integrity != "ok" { walk.fail(0, "the file is damaged: \(integrity)") }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      walk.fail(walk.sequence + 1, "the file is damaged: \(error.message ?? "unreadable page")")
    } catch is RowDecodingError {
      walk.fail(walk.sequence + 1, "the row has a value of a wrong type")
    }
    return walk.report
  }

  /// Calls `visit` with each entry that fits and the MAC before it; stops at the first that does
  /// not.
  func walkEntries(_ walk: inout ChainWalk, visit: (EntryRow, _ previousMAC: String) -> Void) throws
  {
    let sql = "SELECT \(EntryRow.columns) FROM entry ORDER BY sequence"
    let rows = try Row.fetchCursor(db, sql: sql)
    while let row = try rows.next() {
      let entry = try EntryRow(row)
      let previous = walk.mac
      guard walk.accept(entry) else { return }
      visit(entry, previous)
    }
  }

  private func checkRows(_ table: String, _ walk: inout ChainWalk) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT key, json, sequence, mac FROM \(table)")
    try check(rows, table, &walk)
  }

  private func checkAlerts(_ walk: inout ChainWalk) throws {
    let sql = "SELECT key, json, sequence, mac FROM alert WHERE json IS NOT NULL"
    try check(try Row.fetchCursor(db, sql: sql), "alert", &walk)
  }

  private func check(_ rows: RowCursor, _ table: String, _ walk: inout ChainWalk) throws {
    while let row = try rows.next() {
      let state = try StateRow(row)
      guard state.mac == walk.chain.mac(of: state, in: table) else {
        walk.fail(state.sequence, "the \(table) \(state.key) was changed")
        return
      }
    }
  }
}
