import GRDB
import LedgerKit
import Model

/// Writes one `LedgerWrite` inside the caller's transaction.
///
/// The head is read from the file each time, never from memory, so that a second process that
/// writes in between cannot fork the chain.
struct Commit {
  let db: Database
  let chain: Chain
  private(set) var head: Head

  init(_ db: Database, key: IdentityKey) throws {
    self.db = db
    head = try Head.read(db)
    chain = Chain(key: key, ledger: head.ledger)
    guard head.isSigned(by: chain) else {
      throw LedgerError.damaged("the head row was changed, or the identity key is another one")
    }
  }

  mutating func run(_ write: LedgerWrite) throws {
    try append(write.entries)
    try replace("record", try write.records.map { ("\($0.key)", try $0.value?.text()) })
    if let record = write.agentRecord { try replace("agent", [("agent", try record.text())]) }
    try replace("status", try write.statuses.map { ("\($0)", try $1.map(Self.json)) })
    try replace(
      "fingerprint",
      try write.fingerprints.map { stack, fingerprint in
        let stored = fingerprint.map { StoredFingerprint(stack: stack, fingerprint: $0) }
        return ("\(stack)", try stored.map(Self.json))
      })
    try enqueue(write.alerts)
    try db.executeBatches(
      "UPDATE alert SET json = NULL, mac = NULL WHERE key IN ",
      keys: write.deliveredAlerts.map(storable))
  }

  private mutating func append(_ entries: [LedgerEntry]) throws {
    guard !entries.isEmpty else { return }
    var rows: [[(any DatabaseValueConvertible)?]] = []
    rows.reserveCapacity(entries.count)
    for entry in entries {
      guard entry.kind != .checkpoint else {
        throw LedgerError.refused("only retention writes checkpoints")
      }
      var row = EntryRow(entry, sequence: head.sequence + 1)
      row.mac = chain.mac(of: row, after: head.mac)
      head.sequence = row.sequence
      head.mac = row.mac
      rows.append(row.arguments)
    }
    try db.executeBatches("INSERT INTO entry (\(EntryRow.columns)) VALUES ", rows: rows)
    head.signature = chain.signature(sequence: head.sequence, mac: head.mac)
    try head.write(db)
  }

  /// Writes rows with a text, deletes rows without.
  private func replace(_ table: String, _ values: [(key: String, json: String?)]) throws {
    let sorted = values.sorted { $0.key < $1.key }
    let rows = sorted.compactMap { value -> [(any DatabaseValueConvertible)?]? in
      guard let json = value.json else { return nil }
      let row = StateRow(key: value.key, json: json, sequence: head.sequence)
      return [row.key, row.json, row.sequence, chain.mac(of: row, in: table)]
    }
    try db.executeBatches(
      "INSERT INTO \(table) (key, json, sequence, mac) VALUES ", rows: rows,
      suffix: """
         ON CONFLICT (key) DO UPDATE SET json = excluded.json, sequence = excluded.sequence, \
        mac = excluded.mac WHERE \(table).json <> excluded.json
        """)
    let removed = sorted.filter { $0.json == nil }.map { storable($0.key) }
    try db.executeBatches("DELETE FROM \(table) WHERE key IN ", keys: removed)
  }

  /// An alert whose key is known, delivered or not, is not queued again.
  private func enqueue(_ alerts: [OutboxAlert]) throws {
    let rows = try alerts.map { alert -> [(any DatabaseValueConvertible)?] in
      let json = try Self.json(alert)
      let row = StateRow(key: alert.key, json: json, sequence: head.sequence)
      let mac = chain.mac(of: row, in: "alert")
      return [row.key, alert.at.milliseconds, row.json, row.sequence, mac]
    }
    try db.executeBatches(
      "INSERT INTO alert (key, at, json, sequence, mac) VALUES ", rows: rows,
      suffix: " ON CONFLICT (key) DO NOTHING")
  }

  static func json(_ value: some Encodable) throws -> String {
    try CanonicalJSON.text(value)
  }
}

/// A fingerprint with the stack it belongs to, so that no key has to be taken apart.
struct StoredFingerprint: Codable {
  var stack: StackID
  var fingerprint: Fingerprint
}
