import GRDB
import LedgerKit
import Model

/// Reads what the agent needs at its start: one statement for each table, however many targets.
struct Loading {
  let db: Database
  let key: IdentityKey

  func run(isCreated: Bool) throws -> LedgerContents {
    let head = try Head.read(db)
    let chain = Chain(key: key, ledger: head.ledger)
    try check(head, chain)
    // An agent that died between making the file and its first entry has not noticed the loss.
    var contents = LedgerContents(
      isNew: isCreated || head.sequence == 0, lastSequence: head.sequence)
    try visit("record", chain) { row in
      guard let target = TargetID(parsing: row.key) else {
        throw LedgerError.damaged("the record \(row.key) names no target")
      }
      contents.records[target] = row.json
    }
    try visit("agent", chain) { contents.agentRecord = $0.json }
    try visit("fingerprint", chain) { row in
      let stored = try decode(StoredFingerprint.self, row, "fingerprint")
      contents.fingerprints[stored.stack] = stored.fingerprint
    }
    contents.outbox = try outbox(chain, limit: .max)
    return contents
  }

  func outbox(limit: Int) throws -> [OutboxAlert] {
    try outbox(Chain(key: key, ledger: try Head.read(db).ledger), limit: limit)
  }

  private func outbox(_ chain: Chain, limit: Int) throws -> [OutboxAlert] {
    let clause = "WHERE json IS NOT NULL ORDER BY position LIMIT \(max(0, limit))"
    var alerts: [OutboxAlert] = []
    try visit("alert", chain, clause) { alerts.append(try decode(OutboxAlert.self, $0, "alert")) }
    return alerts
  }

  /// The newest entry must be where the head says, and as it was written: costs two rows, not a walk.
  private func check(_ head: Head, _ chain: Chain) throws {
    guard head.isSigned(by: chain) else {
      throw LedgerError.damaged("the head row was changed, or the identity key is another one")
    }
    let sql = "SELECT \(EntryRow.columns) FROM entry ORDER BY sequence DESC LIMIT 2"
    let rows = try Row.fetchAll(db, sql: sql).map { try EntryRow($0) }
    let macs = rows.map { $0.isCheckpoint ? Checkpoint($0.detailsValue)?.lastMAC : $0.mac }
    guard rows.first?.sequence ?? 0 == head.sequence, macs.first ?? chain.genesis == head.mac else {
      throw LedgerError.damaged("its newest entry is not the one that was written last")
    }
    guard let newest = rows.first else { return }
    let before = macs.count > 1 ? macs[1] : chain.genesis
    let mac =
      newest.isCheckpoint
      ? chain.checkpointMAC(of: newest) : before.map { chain.mac(of: newest, after: $0) }
    guard newest.mac == mac else { throw LedgerError.damaged("its newest entry was changed") }
  }

  /// One row after the other, so that no more than one lies in memory twice.
  private func visit(
    _ table: String, _ chain: Chain, _ clause: String = "", _ body: (StateRow) throws -> Void
  ) throws {
    let sql = "SELECT key, json, sequence, mac FROM \(table) \(clause)"
    let rows = try Row.fetchCursor(db, sql: sql)
    while let row = try rows.next() {
      let state = try StateRow(row)
      guard state.mac == chain.mac(of: state, in: table) else {
        throw LedgerError.damaged("the \(table) \(state.key) was changed")
      }
      try body(state)
    }
  }

  /// A row with a valid MAC that cannot be read comes from another version, not from damage.
  private func decode<Value: Decodable>(
    _ type: Value.Type, _ row: StateRow, _ table: String
  ) throws -> Value {
    do {
      return try CanonicalJSON.value(type, from: row.json)
    } catch {
      throw LedgerError.refused("another version wrote the \(table) \(row.key): \(error)")
    }
  }
}
