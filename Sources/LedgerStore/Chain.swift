import LedgerKit
import Model

/// The message authentication codes of one ledger: pure, and the only place that knows their form.
struct Chain: Sendable {
  let key: IdentityKey
  /// The ledger's random id: entries of another ledger with the same key do not fit into this one.
  let ledger: String

  /// What the first entry follows.
  var genesis: String { code("genesis", .string(ledger)) }

  /// The MAC of an entry that follows `previous`.
  func mac(of row: EntryRow, after previous: String) -> String {
    code("entry", ["previous": .string(previous), "entry": row.canonical])
  }

  /// The MAC of a checkpoint; it names the MACs on both sides of the gap itself.
  func checkpointMAC(of row: EntryRow) -> String { code("checkpoint", row.canonical) }

  /// The signature of the newest entry's place: shows that newer entries were cut off.
  func signature(sequence: Int, mac: String) -> String {
    code("head", ["sequence": .integer(sequence), "mac": .string(mac)])
  }

  /// The MAC of a row that is not history: a record, a status, a fingerprint, an alert.
  func mac(of row: StateRow, in table: String) -> String {
    code(
      "row",
      [
        "table": .string(table), "key": .string(row.key), "sequence": .integer(row.sequence),
        "json": .string(row.json),
      ])
  }

  private func code(_ purpose: String, _ value: CanonicalValue) -> String {
    let bound: CanonicalValue = ["ledger": .string(ledger), "value": value]
    return key.code(of: Array(bound.json.utf8), purpose: "ledger/\(purpose)/1")
  }
}

/// What a checkpoint says of the run of entries that it replaces.
struct Checkpoint: Hashable, Sendable {
  /// The first and the last sequence number that are gone.
  var first: Int
  var last: Int
  /// The MAC before the gap, and the MAC of the last entry that is gone: the chain goes on from it.
  var previousMAC: String
  var lastMAC: String

  var count: Int { last - first + 1 }

  var details: CanonicalValue {
    [
      "first": .integer(first), "last": .integer(last), "count": .integer(count),
      "previousMAC": .string(previousMAC), "lastMAC": .string(lastMAC),
    ]
  }

  init(first: Int, last: Int, previousMAC: String, lastMAC: String) {
    self.first = first
    self.last = last
    self.previousMAC = previousMAC
    self.lastMAC = lastMAC
  }

  /// nil when `details` is not what `details` above writes.
  init?(_ details: CanonicalValue?) {
    guard let first = details?["first"]?.integer, let last = details?["last"]?.integer,
      let previous = details?["previousMAC"]?.string, let mac = details?["lastMAC"]?.string,
      first > 0, first <= last
    else { return nil }
    self.init(first: first, last: last, previousMAC: previous, lastMAC: mac)
  }
}
