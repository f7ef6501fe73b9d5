import GRDB
import LedgerKit
import Model

/// Which entries go, and the checkpoints that take their places: pure.
struct RetentionPlan {
  /// A run of entries without a gap between them, and what it leaves behind.
  struct Run: Hashable, Sendable {
    var checkpoint: Checkpoint
    /// When the newest entry of the run was written, in milliseconds.
    var at: Int
    /// Entries that go now; checkpoints that are merged are not counted.
    var entries: Int
    /// Rows that go now, checkpoints included.
    var rows: Int
  }

  let olderThan: WallTime
  /// By target: the oldest sequence number that is kept because the target has few newer ones.
  let oldestKept: [String?: Int]
  private(set) var runs: [Run] = []
  private var open: Run?

  init(olderThan: WallTime, oldestKept: [String?: Int]) {
    self.olderThan = olderThan
    self.oldestKept = oldestKept
  }

  /// Takes the entries in order; `previousMAC` is the chain before this entry.
  mutating func visit(_ row: EntryRow, previousMAC: String) {
    let checkpoint = row.isCheckpoint ? Checkpoint(row.detailsValue) : nil
    let goes =
      checkpoint != nil
      || (row.at < olderThan.milliseconds && row.sequence < oldestKept[row.target] ?? .max)
    guard goes else { return finish() }
    var run =
      open
      ?? Run(
        checkpoint: Checkpoint(
          first: checkpoint?.first ?? row.sequence, last: row.sequence, previousMAC: previousMAC,
          lastMAC: row.mac), at: row.at, entries: 0, rows: 0)
    run.checkpoint.last = row.sequence
    run.checkpoint.lastMAC = checkpoint?.lastMAC ?? row.mac
    run.at = row.at
    run.entries += checkpoint == nil ? 1 : 0
    run.rows += 1
    open = run
  }

  /// Closes the run in progress. One that is a lone checkpoint stays as it is.
  mutating func finish() {
    if let run = open, run.entries > 0 { runs.append(run) }
    open = nil
  }
}

/// Reads, plans and carries out retention.
enum Retention {
  /// Runs replaced in one transaction: bounds how long the agent's own writes wait.
  static let runsPerTransaction = 500

  /// Walks the whole chain first: deleting a forged entry would turn it into a signed gap.
  static func plan(
    _ db: Database, key: IdentityKey, olderThan: WallTime, keep: Int
  ) throws -> [RetentionPlan.Run] {
    let head = try Head.read(db)
    var walk = ChainWalk(Chain(key: key, ledger: head.ledger))
    var plan = RetentionPlan(
      olderThan: olderThan, oldestKept: try oldestKept(db, keep: max(0, keep)))
    try Verification(db: db, key: key).walkEntries(&walk) { plan.visit($0, previousMAC: $1) }
    walk.finish(head)
    guard walk.isWhole else {
      throw LedgerError.refused(
        "nothing was pruned, because entry \(walk.report.firstBroken ?? 0) does not fit: "
          + "\(walk.report.reason ?? "unknown"). Keep a copy of the file and find out who did it")
    }
    plan.finish()
    return plan.runs
  }

  private static func oldestKept(_ db: Database, keep: Int) throws -> [String?: Int] {
    let sql = """
      SELECT target, min(sequence) FROM (
        SELECT target, sequence,
          row_number() OVER (PARTITION BY target ORDER BY sequence DESC) AS place
        FROM entry WHERE kind <> 'checkpoint'
      ) WHERE place <= ? GROUP BY target
      """
    var oldest: [String?: Int] = [:]
    let rows = try Row.fetchCursor(db, sql: sql, arguments: [keep])
    while let row = try rows.next() {
      oldest[try row.decode(String?.self, atIndex: 0)] = try row.decode(Int.self, atIndex: 1)
    }
    return oldest
  }

  /// Replaces the runs inside the caller's transaction.
  static func replace(
    _ db: Database, key: IdentityKey, runs: ArraySlice<RetentionPlan.Run>
  ) throws {
    let chain = Chain(key: key, ledger: try Head.read(db).ledger)
    for run in runs {
      let gap = run.checkpoint
      try db.cachedStatement(sql: "DELETE FROM entry WHERE sequence BETWEEN ? AND ?")
        .execute(arguments: [gap.first, gap.last])
      guard db.changesCount == run.rows else {
        throw LedgerError.unavailable("somebody else pruned the ledger meanwhile; ask again")
      }
      let entry = LedgerEntry(
        at: WallTime(milliseconds: run.at), kind: .checkpoint,
        message: "retention removed \(gap.count) entries, \(gap.first) to \(gap.last)",
        details: gap.details)
      var row = EntryRow(entry, sequence: gap.last)
      row.mac = chain.checkpointMAC(of: row)
      try db.executeBatches(
        "INSERT INTO entry (\(EntryRow.columns)) VALUES ", rows: [row.arguments])
    }
  }

  /// Forgets the keys of alerts that were delivered and are older than `wall`.
  static func forgetDeliveredAlerts(_ db: Database, olderThan wall: WallTime) throws {
    try db.execute(
      sql: "DELETE FROM alert WHERE json IS NULL AND at < ?", arguments: [wall.milliseconds])
  }
}
