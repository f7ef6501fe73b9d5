import GRDB
import LedgerKit

/// The tables, as forward-only migrations, and how a file shows that it is a ledger of ours.
enum Schema {
  /// `VRDN`: SQLite's `application_id` of our files.
  static let applicationID = 0x5652_444E
  /// The migrations this version knows; equal to `user_version` once all have run.
  static let version = 1

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("0001 history, state and outbox") { db in
      try db.execute(sql: history)
      try db.execute(sql: ["record", "agent", "status", "fingerprint"].map(state).joined())
      try db.execute(sql: outbox)
      try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = 1")
    }
    return migrator
  }

  private static let history = """
    CREATE TABLE entry (
      sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
      at INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN
        ('intent', 'outcome', 'decision', 'finding', 'request', 'note', 'checkpoint')),
      target TEXT CHECK (target LIKE '_%@_%'),
      generation INTEGER,
      pass INTEGER NOT NULL,
      message TEXT NOT NULL,
      details TEXT,
      mac TEXT NOT NULL CHECK (length(mac) = 64)
    ) STRICT;
    CREATE INDEX entryByTarget ON entry (target, sequence);
    CREATE INDEX requests ON entry (sequence) WHERE kind = 'request';
    CREATE TABLE head (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      ledger TEXT NOT NULL CHECK (length(ledger) = 36),
      sequence INTEGER NOT NULL CHECK (sequence >= 0),
      mac TEXT NOT NULL CHECK (length(mac) = 64),
      signature TEXT NOT NULL CHECK (length(signature) = 64)
    ) STRICT;

    """

  private static func state(_ table: String) -> String {
    """
    CREATE TABLE \(table) (
      key TEXT PRIMARY KEY CHECK (key <> ''\(table == "agent" ? " AND key = 'agent'" : "")),
      json TEXT NOT NULL CHECK (json <> ''),
      sequence INTEGER NOT NULL CHECK (sequence >= 0),
      mac TEXT NOT NULL CHECK (length(mac) = 64)
    ) STRICT;

    """
  }

  /// A delivered alert keeps only its key, so that it is never queued again.
  private static let outbox = """
    CREATE TABLE alert (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE CHECK (key <> ''),
      at INTEGER NOT NULL,
      json TEXT,
      sequence INTEGER NOT NULL CHECK (sequence >= 0),
      mac TEXT CHECK (length(mac) = 64),
      CHECK ((json IS NULL) = (mac IS NULL))
    ) STRICT;
    CREATE INDEX undelivered ON alert (position) WHERE json IS NOT NULL;
    """

  /// Whether the file is an empty one, before anything is written to it.
  ///
  /// Errors: `.damaged` for somebody else's file, `.refused` for one of a newer version.
  static func inspect(_ db: Database) throws -> Bool {
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let objects = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if application == 0, version == 0, objects == 0 { return true }
    guard application == applicationID else {
      throw LedgerError.damaged("it is an SQLite file, but not a ledger of Viridian")
    }
    guard version <= Self.version else {
      throw LedgerError.refused(
        "its schema is version \(version), this program knows \(Self.version): a newer Viridian "
          + "wrote it. Run that version, or restore a backup that this version made")
    }
    return false
  }
}
