import Foundation
import GRDB
package import LedgerKit
package import Model

extension LedgerStore {
  /// Writes beside `path` first: a crash never leaves half a backup under that name.
  ///
  /// Errors: `.refused` for the ledger's own place, a path that is there already and a directory
  /// that is not there.
  package func backup(to path: String) async throws(LedgerError) {
    let (reader, own) = (reader, self.path)
    let result = await onThread {
      guard resolved(path) != resolved(own) else {
        throw LedgerError.refused("a backup cannot take the ledger's own place")
      }
      guard !FileManager.default.fileExists(atPath: path) else {
        throw LedgerError.refused(
          "\(path) is there already; nothing was written over: name a new file")
      }
      let folder = (path as NSString).deletingLastPathComponent
      guard FileManager.default.fileExists(atPath: folder) else {
        throw LedgerError.refused("cannot write \(path): there is no directory \(folder)")
      }
      try Self.copy(reader, to: path)
    }
    do { try result.get() } catch { throw LedgerError(error, at: self.path) }
  }

  /// Puts a verified copy of the backup in place of the ledger, atomically. The ledger that was
  /// there stays beside it as `<path>.before-restore`.
  ///
  /// `lock`: the file on which a running agent holds a `flock`.
  ///
  /// Errors: `.refused` while an agent runs and for a backup that was tampered with or is of a
  /// newer version; `.damaged` when the backup is not a ledger.
  package static func restore(
    from backup: String, to path: String, lock: String, key: IdentityKey
  ) async throws(LedgerError) -> ChainReport {
    let result = await onThread {
      let held = try FileLock(lock)
      defer { held.release() }
      let source = try openReadOnly(at: backup, key: key)
      let staged = path + ".restoring"
      try copy(source.reader, to: staged)
      try source.close()
      let report = try verify(staged, key: key)
      try retire(path)
      try move(staged, to: path)
      return report
    }
    do { return try result.get() } catch { throw LedgerError(error, at: path) }
  }

  /// Copies all pages as of one moment; a rollback journal instead of a log, so that the copy is
  /// one file that can be read from a read-only place.
  private static func copy(_ reader: any DatabaseReader, to path: String) throws {
    let staged = path + ".partial"
    try remove([staged, staged + "-journal"])
    try createFile(staged)
    let queue = try DatabaseQueue(path: staged)
    try reader.backup(to: queue)
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
    try queue.close()
    try move(staged, to: path)
  }

  private static func verify(_ path: String, key: IdentityKey) throws -> ChainReport {
    let copy = try openReadOnly(at: path, key: key)
    let report = try copy.reader.read { db in
      try checkPages(db)
      return try Verification(db: db, key: key).run()
    }
    try copy.close()
    guard report.reason == nil else {
      throw LedgerError.refused(
        "the backup was not restored: entry \(report.firstBroken ?? 0) does not fit: "
          + "\(report.reason ?? "unknown")")
    }
    return report
  }

  /// Folds the old ledger's log into it and keeps it under another name. The log of one file
  /// beside another would be played into it, so it must be gone before the new one arrives.
  private static func retire(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    let kept = path + ".before-restore"
    try remove([kept, kept + "-wal"])
    do {
      let queue = try DatabaseQueue(path: path)
      try queue.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
      }
      try queue.close()
    } catch is DatabaseError {
      // Too damaged to open: its log is kept beside it, unread.
      if FileManager.default.fileExists(atPath: path + "-wal") {
        try move(path + "-wal", to: kept + "-wal")
      }
    }
    try remove([path + "-shm", path + "-wal"])
    guard link(path, kept) == 0 else {
      throw LedgerError.unavailable("cannot keep the old ledger as \(kept): \(lastError())")
    }
  }

  /// Renames within one directory, both the content and the name on disk when it returns.
  private static func move(_ from: String, to path: String) throws {
    try sync(from)
    guard rename(from, path) == 0 else {
      throw LedgerError.unavailable("cannot write \(path): \(lastError())")
    }
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try sync(directory)
  }

  private static func sync(_ path: String) throws {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw LedgerError.unavailable("cannot open \(path): \(lastError())")
    }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw LedgerError.unavailable("cannot write \(path) to disk: \(lastError())")
    }
  }

  private static func remove(_ paths: [String]) throws {
    for path in paths where unlink(path) != 0 && errno != ENOENT {
      throw LedgerError.unavailable("cannot remove \(path): \(lastError())")
    }
  }
}

/// An exclusive `flock`: nobody else holds the file while this is alive.
private struct FileLock {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw LedgerError.unavailable("cannot open the lock \(path): \(lastError())")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(descriptor)
      throw LedgerError.refused("an agent is running: it holds \(path). Stop it first")
    }
  }

  func release() { Glibc.close(descriptor) }
}

private func resolved(_ path: String) -> String {
  URL(fileURLWithPath: path).resolvingSymlinksInPath().path
}

private func lastError() -> String { String(cString: strerror(errno)) }

/// Runs blocking work on a thread of its own, not on one of the few that tasks share.
private func onThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async -> Result<Value, any Error> {
  await withCheckedContinuation { continuation in
    Thread { continuation.resume(returning: Result { try body() }) }.start()
  }
}
