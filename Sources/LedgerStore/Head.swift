import Foundation
import GRDB
import LedgerKit
import Model

/// The newest entry's place, signed: entries cut off at the end leave it behind.
struct Head: Hashable, Sendable {
  var ledger: String
  var sequence: Int
  var mac: String
  var signature: String

  /// Throws `.damaged` when there is none.
  static func read(_ db: Database) throws -> Head {
    let sql = "SELECT ledger, sequence, mac, signature FROM head"
    guard let row = try Row.fetchOne(db.cachedStatement(sql: sql)) else {
      throw LedgerError.damaged("the head row is missing")
    }
    return Head(
      ledger: try row.decode(String.self, atIndex: 0),
      sequence: try row.decode(Int.self, atIndex: 1), mac: try row.decode(String.self, atIndex: 2),
      signature: try row.decode(String.self, atIndex: 3))
  }

  /// Writes the head of an empty ledger.
  static func create(_ db: Database, key: IdentityKey) throws {
    let chain = Chain(key: key, ledger: UUID().uuidString)
    try db.execute(
      sql: "INSERT INTO head (id, ledger, sequence, mac, signature) VALUES (1, ?, 0, ?, ?)",
      arguments: [
        chain.ledger, chain.genesis, chain.signature(sequence: 0, mac: chain.genesis),
      ])
  }

  func isSigned(by chain: Chain) -> Bool {
    signature == chain.signature(sequence: sequence, mac: mac)
  }

  func write(_ db: Database) throws {
    let sql = "UPDATE head SET sequence = ?, mac = ?, signature = ? WHERE id = 1"
    try db.cachedStatement(sql: sql).execute(arguments: [sequence, mac, signature])
  }
}
