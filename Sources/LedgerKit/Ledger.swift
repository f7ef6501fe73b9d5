package import Model

/// The durable record of intents, outcomes, decisions and operator requests.
///
/// The agent is the only writer of everything but requests. Every write is one transaction, on
/// disk when the call returns.
package protocol Ledger: Sendable {
  /// Everything the agent needs at its start.
  func load() async throws(LedgerError) -> LedgerContents

  /// Writes all parts or none; the answer is the sequence number of the last entry.
  @discardableResult
  func commit(_ write: LedgerWrite) async throws(LedgerError) -> Int

  /// Records what a person asked for; the answer is its sequence number.
  @discardableResult
  func append(_ request: OperatorRequest) async throws(LedgerError) -> Int

  /// Requests with a sequence number above `sequence`, oldest first.
  func requests(after sequence: Int) async throws(LedgerError) -> [OperatorRequest]

  /// The newest entries that match, newest first, at most `limit`.
  func history(_ query: HistoryQuery) async throws(LedgerError) -> [LedgerEntry]

  /// The current state of all targets, sorted; one table, no history.
  func statuses() async throws(LedgerError) -> [TargetStatus]

  /// Walks the whole chain.
  func verify() async throws(LedgerError) -> ChainReport

  /// Deletes entries older than `age` beyond the newest `keep` of each target, and leaves a signed
  /// checkpoint in their place. The answer is how many were deleted.
  func prune(olderThan wall: WallTime, keep: Int) async throws(LedgerError) -> Int

  /// A consistent copy at `path`, made while the agent works.
  func backup(to path: String) async throws(LedgerError)
}

/// What the alert sender reads: the alerts that still have to be delivered.
package protocol AlertOutbox: Sendable {
  /// Alerts that were not delivered yet, oldest first, at most `limit`.
  func outbox(limit: Int) async throws(LedgerError) -> [OutboxAlert]
}

package enum LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is damaged or not ours: treated as a lost ledger.
  case damaged(String)
  /// Disk full, locked, I/O error: nothing was written; ask again.
  case unavailable(String)
  /// Nothing is wrong with the file, but this may not be done: a newer version wrote it, it is
  /// open for reading only, an agent holds the lock. A person decides; never a lost ledger.
  case refused(String)

  package var description: String {
    switch self {
    case .damaged(let text), .unavailable(let text), .refused(let text): text
    }
  }
}
