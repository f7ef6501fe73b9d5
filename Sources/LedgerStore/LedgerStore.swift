import Foundation
import GRDB
package import LedgerKit
package import Model

/// The ledger in one SQLite file: write-ahead log, `synchronous = FULL`, one HMAC chain.
///
/// Several processes may have it open at once; SQLite's own locks and a head that is read in each
/// transaction keep their writes apart. Which of them may act as the agent is not decided here.
package final class LedgerStore: Ledger, AlertOutbox {
  /// How long a write waits for another process before it fails as `.unavailable`, in seconds: a
  /// commit takes milliseconds, a chunk of retention well below this.
  static let busySeconds = 10.0
  /// Entries that one `history` gives at most: about 10 MB.
  static let largestPage = 10_000

  /// The file's path.
  package let path: String
  let key: IdentityKey?
  let reader: any DatabaseReader
  private let writer: DatabasePool?
  /// This start made the file.
  private let isCreated: Bool
  private let mark: HighWaterMark?

  init(
    path: String, key: IdentityKey?, reader: any DatabaseReader, writer: DatabasePool?,
    isCreated: Bool, mark: HighWaterMark?
  ) {
    self.path = path
    self.key = key
    self.reader = reader
    self.writer = writer
    self.isCreated = isCreated
    self.mark = mark
  }

  package func load() async throws(LedgerError) -> LedgerContents {
    let key = try identityKey("load the ledger")
    let (isCreated, mark) = (isCreated, mark)
    return try await reading { db in
      var contents = try Loading(db: db, key: key).run(isCreated: isCreated)
      contents.isOlder = mark?.isBeyondLedger ?? false
      return contents
    }
  }

  @discardableResult
  package func commit(_ write: LedgerWrite) async throws(LedgerError) -> Int {
    let key = try identityKey("write to the ledger")
    return try await commit(settlingLoss: write.settlesLoss) { db in
      var commit = try Commit(db, key: key)
      try commit.run(write)
      return commit.head
    }
  }

  @discardableResult
  package func append(_ request: OperatorRequest) async throws(LedgerError) -> Int {
    let key = try identityKey("write to the ledger")
    return try await commit(settlingLoss: false) { db in
      var commit = try Commit(db, key: key)
      let entry = try request.entry(sequence: commit.head.sequence + 1)
      try commit.run(LedgerWrite(entries: [entry]))
      return commit.head
    }
  }

  /// The mark follows what is on disk, never the other way round.
  private func commit(
    settlingLoss: Bool, _ body: @escaping @Sendable (Database) throws -> Head
  ) async throws(LedgerError) -> Int {
    let head = try await writing(body)
    mark?.raise(to: head, settlesLoss: settlingLoss)
    return head.sequence
  }

  package func outbox(limit: Int) async throws(LedgerError) -> [OutboxAlert] {
    let key = try identityKey("read the outbox")
    return try await reading { try Loading(db: $0, key: key).outbox(limit: limit) }
  }

  package func requests(after sequence: Int) async throws(LedgerError) -> [OperatorRequest] {
    try await reading { db in
      let sql = """
        SELECT \(EntryRow.columns) FROM entry WHERE kind = 'request' AND details IS NOT NULL \
        AND sequence > ? \
        ORDER BY sequence LIMIT \(Self.largestPage)
        """
      return try Row.fetchAll(db, sql: sql, arguments: [sequence])
        .map { try OperatorRequest(EntryRow($0)) }
    }
  }

  package func history(_ query: HistoryQuery) async throws(LedgerError) -> [LedgerEntry] {
    try await reading { db in
      let (sql, arguments) = query.statement(largestPage: Self.largestPage)
      return try Row.fetchAll(db, sql: sql, arguments: arguments).map { try EntryRow($0).entry() }
    }
  }

  package func statuses() async throws(LedgerError) -> [TargetStatus] {
    try await reading { db in
      let rows = try Row.fetchCursor(db, sql: "SELECT key, json, sequence, mac FROM status")
      let newest = try AcceptedCommits(db)
      var statuses: [TargetStatus] = []
      while let row = try rows.next() {
        statuses.append(newest.told(try TargetStatus(StateRow(row))))
      }
      return statuses.sorted { $0.target < $1.target }
    }
  }

  package func verify() async throws(LedgerError) -> ChainReport {
    let key = try identityKey("verify the ledger")
    return try await reading { try Verification(db: $0, key: key).run() }
  }

  @discardableResult
  package func prune(olderThan wall: WallTime, keep: Int) async throws(LedgerError) -> Int {
    let key = try identityKey("prune the ledger")
    guard writer != nil else { throw readOnly }
    let runs = try await reading { try Retention.plan($0, key: key, olderThan: wall, keep: keep) }
    for start in stride(from: 0, to: runs.count, by: Retention.runsPerTransaction) {
      let some = runs[start..<min(start + Retention.runsPerTransaction, runs.count)]
      try await writing { try Retention.replace($0, key: key, runs: some) }
    }
    try await writing { try Retention.forgetDeliveredAlerts($0, olderThan: wall) }
    return runs.reduce(0) { $0 + $1.entries }
  }

  /// Closes the file: later calls fail as `.unavailable`. Work in progress ends first.
  package func close() throws(LedgerError) {
    do { try reader.close() } catch { throw LedgerError(error, at: path) }
  }

  private var readOnly: LedgerError {
    .refused("ledger \(path): it is open for reading only; the agent writes it")
  }

  private func identityKey(_ purpose: String) throws(LedgerError) -> IdentityKey {
    guard let key else {
      throw .refused("ledger \(path): the identity key is needed to \(purpose)")
    }
    return key
  }

  /// Ends when the task is cancelled: a reader has nothing to lose.
  func reading<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(LedgerError) -> Value {
    do { return try await reader.read(body) } catch { throw LedgerError(error, at: path) }
  }

  /// Runs `body` in one immediate transaction, also when the task is cancelled: what a stopping
  /// agent has done must still be recorded.
  private func writing<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(LedgerError) -> Value {
    guard let writer else { throw readOnly }
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      writer.asyncWriteWithoutTransaction { db in
        continuation.resume(returning: Result { try db.immediately(body) })
      }
    }
    do { return try result.get() } catch { throw LedgerError(error, at: path) }
  }
}

extension Database {
  /// The value of `body` once it is on disk; an error of either leaves nothing behind.
  func immediately<Value>(_ body: (Database) throws -> Value) throws -> Value {
    var value: Value?
    try inTransaction(.immediate) {
      value = try body(self)
      return .commit
    }
    guard let value else { throw LedgerError.unavailable("the transaction did not run") }
    return value
  }
}
