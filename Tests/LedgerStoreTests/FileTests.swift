import Foundation
import GRDB
import LedgerKit
import LedgerStore
import Model
import Testing

@Suite struct FileTests {
  @Test func `the file is private, logged ahead and fully synchronous`() async throws {
    let place = try Place()
    let statements = StatementCount()
    let ledger = try place.open { statements.add($0) }
    try await ledger.commit(notes(1...1))
    for name in ["ledger.db", "ledger.db-wal"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: place.file(name))
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
    let set = statements.all.filter { $0.contains("synchronous =") }
    #expect(set.last == "PRAGMA synchronous = FULL")
    let other = try DatabaseQueue(path: place.path)
    #expect(try await other.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
    try other.close()
  }

  @Test func `a crash loses nothing that was answered, a torn log only its end`() async throws {
    let place = try Place()
    let ledger = try place.open()
    for number in 1...30 { try await ledger.commit(notes(number...number)) }
    // The files as a killed process leaves them: nothing was closed or folded.
    let main = try Data(contentsOf: URL(fileURLWithPath: place.path))
    let log = try Data(contentsOf: URL(fileURLWithPath: place.path + "-wal"))
    var newest: [Int] = []
    for cut in stride(from: log.count, to: log.count / 2, by: -9_973) {
      let path = place.file("crash-\(cut).db")
      try main.write(to: URL(fileURLWithPath: path))
      try log.prefix(cut).write(to: URL(fileURLWithPath: path + "-wal"))
      let survivor = try LedgerStore.open(at: path, key: key())
      let last = try await survivor.load().lastSequence
      #expect(try await survivor.verify() == ChainReport(entries: last, checkpoints: 0))
      #expect(try await survivor.commit(notes(99...99)) == last + 1)
      newest.append(last)
      try survivor.close()
    }
    #expect(newest.first == 30)
    #expect(newest == newest.sorted(by: >))
    #expect((newest.last ?? 30) < 30)
  }

  @Test func `a newer schema is refused and left alone`() async throws {
    let place = try Place()
    try place.open().close()
    try place.tamper("PRAGMA user_version = 99")
    for open in [place.open(trace:), { _ in try .openReadOnly(at: place.path, key: key()) }] {
      #expect {
        try open(nil)
      } throws: { error in
        guard case LedgerError.refused(let text) = error else { return false }
        return text.contains("version 99") && text.contains("newer Viridian")
      }
    }
  }

  @Test func `somebody else's database and garbage are damaged and left as they are`() throws {
    let place = try Place()
    let queue = try DatabaseQueue(path: place.path)
    try queue.write { try $0.execute(sql: "CREATE TABLE theirs (x)") }
    try queue.close()
    let other = place.file("garbage.db")
    try Data(repeating: 0x41, count: 9000).write(to: URL(fileURLWithPath: other))
    for path in [place.path, other] {
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect {
        try LedgerStore.open(at: path, key: key())
      } throws: { error in
        if case LedgerError.damaged = error { true } else { false }
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }
  }

  @Test func `a reader needs no key for history and cannot write`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...3))
    let reader = try LedgerStore.openReadOnly(at: place.path, key: nil)
    #expect(try await reader.history(HistoryQuery()).count == 3)
    try ledger.close()
    // Also when the agent is down and has left no log behind.
    let second = try LedgerStore.openReadOnly(at: place.path, key: key())
    #expect(try await second.history(HistoryQuery()).count == 3)
    #expect(try await second.verify().entries == 3)
    await #expect(throws: LedgerError.self) { try await second.commit(notes(4...4)) }
    await #expect(throws: LedgerError.self) { try await reader.verify() }
    #expect(throws: LedgerError.self) {
      try LedgerStore.openReadOnly(at: place.file("none.db"), key: nil)
    }
  }

  @Test func `a backup made while writing goes on can be restored`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...500))
    async let writes: Void = {
      for number in 501...540 { try await ledger.commit(notes(number...number)) }
    }()
    try await ledger.backup(to: place.file("copy.db"))
    try await writes
    try ledger.close()
    let report = try await LedgerStore.restore(
      from: place.file("copy.db"), to: place.path, lock: place.file("lock"), key: key())
    #expect((500...540).contains(report.entries))
    let restored = try place.open()
    #expect(try await restored.load().lastSequence == report.entries)
    let old = try LedgerStore.openReadOnly(at: place.path + ".before-restore", key: key())
    #expect(try await old.verify() == ChainReport(entries: 540, checkpoints: 0))
    #expect(try await restored.commit(notes(1...1)) == report.entries + 1)
    #expect(try await restored.verify().reason == nil)
  }

  @Test func `restore refuses while an agent runs, and a forged backup`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...5))
    try await ledger.backup(to: place.file("copy.db"))
    func isRefused() async throws -> Bool {
      let identity = try key()
      do throws(LedgerError) {
        _ = try await LedgerStore.restore(
          from: place.file("copy.db"), to: place.path, lock: place.file("lock"), key: identity)
        return false
      } catch {
        if case .refused = error { return true } else { return false }
      }
    }
    let descriptor = Glibc.open(place.file("lock"), O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    #expect(flock(descriptor, LOCK_EX) == 0)
    #expect(try await isRefused())
    close(descriptor)
    let queue = try DatabaseQueue(path: place.file("copy.db"))
    try await queue.write { try $0.execute(sql: "UPDATE entry SET message = 'x'") }
    try queue.close()
    #expect(try await isRefused())
    #expect(try await ledger.verify().entries == 5)
    await #expect(throws: LedgerError.self) { try await ledger.backup(to: place.path) }
  }

  @Test func `a backup writes over nothing, and says where it cannot be`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...3))
    func refusal(_ path: String) async -> String {
      do throws(LedgerError) {
        try await ledger.backup(to: path)
        return "written"
      } catch {
        return "\(error)"
      }
    }
    let file = place.file("kept")
    try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
    #expect(await refusal(file).contains("\(file) is there already; nothing was written over"))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
    let nowhere = place.file("nowhere/copy.db")
    #expect(await refusal(nowhere).contains("cannot write \(nowhere): there is no directory"))
    try ledger.close()
  }

  @Test func `a full disk loses nothing that was committed`() async throws {
    let place = try Place()
    let ledger = try place.open { _ in }
    try await ledger.commit(notes(1...5))
    // SQLite answers SQLITE_FULL at the page limit, as it does on a full disk.
    let limited = try LedgerStore.open(at: place.path, key: key(), maximumPages: 40)
    let huge = LedgerEntry(
      at: WallTime(milliseconds: 1), kind: .note, message: String(repeating: "x", count: 900_000))
    await #expect {
      try await limited.commit(LedgerWrite(entries: [huge]))
    } throws: { error in
      if case LedgerError.unavailable = error { true } else { false }
    }
    #expect(try await limited.commit(notes(6...6)) == 6)
    #expect(try await limited.verify() == ChainReport(entries: 6, checkpoints: 0))
  }
}
