import LedgerKit

/// Checks a chain entry by entry, oldest first; holds one MAC, however long the chain is.
struct ChainWalk {
  let chain: Chain
  /// Where the chain stands: the sequence number and MAC that the next entry must follow.
  private(set) var sequence = 0
  private(set) var mac: String
  private(set) var report = ChainReport(entries: 0, checkpoints: 0)

  init(_ chain: Chain) {
    self.chain = chain
    mac = chain.genesis
  }

  var isWhole: Bool { report.reason == nil }

  /// `false` when the entry does not fit: the report then says why, and the walk is over.
  mutating func accept(_ row: EntryRow) -> Bool {
    if row.isCheckpoint { return accept(checkpoint: row) }
    guard row.sequence == sequence + 1 else {
      return fail(sequence + 1, "the entries \(sequence + 1) to \(row.sequence - 1) are missing")
    }
    guard row.mac == chain.mac(of: row, after: mac) else {
      return fail(row.sequence, "the entry was changed, moved or put in")
    }
    report.entries += 1
    (sequence, mac) = (row.sequence, row.mac)
    return true
  }

  private mutating func accept(checkpoint row: EntryRow) -> Bool {
    guard let checkpoint = Checkpoint(row.detailsValue), checkpoint.last == row.sequence,
      row.mac == chain.checkpointMAC(of: row)
    else { return fail(row.sequence, "the checkpoint was changed or put in") }
    guard checkpoint.first == sequence + 1, checkpoint.previousMAC == mac else {
      return fail(sequence + 1, "entries before the checkpoint are missing or were changed")
    }
    report.checkpoints += 1
    (sequence, mac) = (checkpoint.last, checkpoint.lastMAC)
    return true
  }

  /// All entries were walked: does the chain end where the head says?
  mutating func finish(_ head: Head) {
    guard isWhole else { return }
    if !head.isSigned(by: chain) {
      _ = fail(0, "the head row was changed, or the identity key is another one")
    } else if head.sequence > sequence {
      _ = fail(sequence + 1, "the newest \(head.sequence - sequence) entries are missing")
    } else if head.sequence != sequence || head.mac != mac {
      _ = fail(head.sequence + 1, "entries were put in after the newest one")
    }
  }

  @discardableResult
  mutating func fail(_ sequence: Int, _ reason: String) -> Bool {
    guard isWhole else { return false }
    report.firstBroken = sequence
    report.reason = reason
    return false
  }
}
