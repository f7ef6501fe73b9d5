import Foundation
import GRDB
import LedgerKit
import Model

/// One row of the table `entry`, as stored: MACs are computed over exactly this text.
struct EntryRow: Hashable, Sendable {
  static let columns = "sequence, at, kind, target, generation, pass, message, details, mac"

  var sequence: Int
  var at: Int
  var kind: String
  var target: String?
  var generation: Int?
  var pass: Int
  var message: String
  var details: String?
  var mac: String = ""

  init(_ entry: LedgerEntry, sequence: Int) {
    self.sequence = sequence
    at = entry.at.milliseconds
    kind = entry.kind.rawValue
    target = entry.target.map { "\($0)" }
    generation = entry.generation?.number
    pass = entry.pass
    message = storable(entry.message)
    details = entry.details?.json
  }

  /// Throws for a value of the wrong type, which only a damaged file has.
  init(_ row: Row) throws {
    sequence = try row.decode(Int.self, atIndex: 0)
    at = try row.decode(Int.self, atIndex: 1)
    kind = try row.decode(String.self, atIndex: 2)
    target = try row.decode(String?.self, atIndex: 3)
    generation = try row.decode(Int?.self, atIndex: 4)
    pass = try row.decode(Int.self, atIndex: 5)
    message = try row.decode(String.self, atIndex: 6)
    details = try row.decode(String?.self, atIndex: 7)
    mac = try row.decode(String.self, atIndex: 8)
  }

  /// All but the MAC. `details` stays text, so that checking needs no parsing.
  var canonical: CanonicalValue {
    .present([
      "sequence": .integer(sequence), "at": .integer(at), "kind": .string(kind),
      "target": target.map { .string($0) }, "generation": generation.map { .integer($0) },
      "pass": .integer(pass), "message": .string(message), "details": details.map { .string($0) },
    ])
  }

  var arguments: [(any DatabaseValueConvertible)?] {
    [sequence, at, kind, target, generation, pass, message, details, mac]
  }

  var isCheckpoint: Bool { kind == LedgerEntry.Kind.checkpoint.rawValue }

  /// The details as a value; text that is no JSON stays text, for a damaged row must not hide the
  /// rest of the history.
  var detailsValue: CanonicalValue? {
    guard let details else { return nil }
    do {
      return try JSONDecoder().decode(CanonicalValue.self, from: Data(details.utf8))
    } catch {
      return .string(details)
    }
  }

  func entry() throws(LedgerError) -> LedgerEntry {
    guard let kind = LedgerEntry.Kind(rawValue: kind) else {
      throw .damaged("the ledger's entry \(sequence) is of unknown kind; run history --verify")
    }
    return LedgerEntry(
      sequence: sequence, at: WallTime(milliseconds: at), kind: kind,
      target: target.flatMap(TargetID.init(parsing:)),
      generation: generation.map { Generation($0) },
      pass: pass, message: message, details: detailsValue)
  }
}

/// A row of the tables `record`, `agent`, `status`, `fingerprint` and `alert`.
struct StateRow: Hashable, Sendable {
  var key: String
  var json: String
  /// The ledger's sequence number when it was written.
  var sequence: Int
  var mac: String = ""

  init(key: String, json: String, sequence: Int) {
    self.key = storable(key)
    self.json = storable(json)
    self.sequence = sequence
  }

  init(_ row: Row) throws {
    key = try row.decode(String.self, atIndex: 0)
    json = try row.decode(String.self, atIndex: 1)
    sequence = try row.decode(Int.self, atIndex: 2)
    mac = try row.decode(String.self, atIndex: 3)
  }
}

/// SQLite text is read back up to its first NUL: one in a hostile message would look like damage.
func storable(_ text: String) -> String {
  guard text.utf8.contains(0) else { return text }
  return text.replacingOccurrences(of: "\0", with: "\u{2400}")
}
