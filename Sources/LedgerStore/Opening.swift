import Foundation
import GRDB
package import LedgerKit
package import Model

extension LedgerStore {
  /// Opens the ledger for the agent, or makes an empty one (mode 0600) in an existing directory.
  ///
  /// Checks that the file is a ledger of a known schema and not damaged, before it changes
  /// anything. `maximumPages` bounds the file, in pages of 4 KiB; `trace` is called with the text of each statement.
  ///
  /// Errors: `.damaged`: not ours, or damaged, to be treated as lost; `.refused`: a newer version
  /// wrote it; `.unavailable`: no such directory, no permission, locked.
  package static func open(
    at path: String, key: IdentityKey, maximumPages: Int? = nil,
    trace: (@Sendable (String) -> Void)? = nil
  ) throws(LedgerError) -> LedgerStore {
    do {
      try createFile(path)
      let isEmpty = try inspect(path)
      let pool = try DatabasePool(path: path, configuration: configuration(trace: trace))
      // GRDB sets NORMAL, with which a power cut may take back commits that were answered.
      try pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        if let maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
          throw LedgerError.unavailable("SQLite does not take synchronous = FULL")
        }
        try checkPages(db)
      }
      try Schema.migrator.migrate(pool)
      let mark = try pool.writeWithoutTransaction { db in
        try db.immediately { db in
          let heads = try Int.fetchOne(db, sql: "SELECT count(*) FROM head") ?? 0
          let entries = try Int.fetchOne(db, sql: "SELECT count(*) FROM entry") ?? 0
          if heads == 0, entries == 0 { try Head.create(db, key: key) }
          return try HighWaterMark(path + ".mark", head: Head.read(db)) { sequence in
            let sql = "SELECT mac FROM entry WHERE sequence = ? AND kind <> 'checkpoint'"
            return try String.fetchOne(db, sql: sql, arguments: [sequence])
          }
        }
      }
      return LedgerStore(
        path: path, key: key, reader: pool, writer: pool, isCreated: isEmpty, mark: mark)
    } catch { throw LedgerError(error, at: path) }
  }

  /// Opens the ledger for commands that only read, also while the agent is down. Without `key`
  /// all but `load` and `verify` work.
  ///
  /// Errors: as above; `.unavailable` when there is no file.
  package static func openReadOnly(
    at path: String, key: IdentityKey?
  ) throws(LedgerError) -> LedgerStore {
    do {
      if try inspect(path) { throw LedgerError.unavailable("it is empty: no agent has run yet") }
      var configuration = configuration(trace: nil)
      configuration.readonly = true
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return LedgerStore(
        path: path, key: key, reader: queue, writer: nil, isCreated: false, mark: nil)
    } catch { throw LedgerError(error, at: path) }
  }

  static func configuration(trace: (@Sendable (String) -> Void)?) -> Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(busySeconds)
    configuration.maximumReaderCount = 4
    configuration.prepareDatabase { db in
      // A hostile file must not run functions from its schema.
      try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
      if let trace { db.trace { trace($0.description) } }
    }
    return configuration
  }

  /// `true` for an empty file. Opens it for reading only: a foreign file is left as it was.
  private static func inspect(_ path: String) throws -> Bool {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(busySeconds)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    let isEmpty = try queue.read(Schema.inspect)
    try queue.close()
    return isEmpty
  }

  static func checkPages(_ db: Database) throws {
    let answer = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
    guard answer == "ok" else { throw LedgerError.damaged("the file is damaged: \(answer)") }
  }

  /// SQLite gives its log and index files the mode of this one.
  static func createFile(_ path: String) throws {
    let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      Glibc.close(descriptor)
    } else if errno != EEXIST {
      throw LedgerError.unavailable("cannot make the file: \(String(cString: strerror(errno)))")
    }
  }
}
