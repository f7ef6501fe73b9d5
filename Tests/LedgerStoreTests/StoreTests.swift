import Foundation
import GRDB
import LedgerKit
import LedgerStore
import Model
import Testing

@Suite struct StoreTests {
  @Test func `a status that follows its source tells the source's newest commit`() async throws {
    let place = try Place()
    let ledger = try place.open()
    func status(_ target: TargetID, follows: Bool?) -> TargetStatus {
      var status = TargetStatus(
        target: target, source: "main", desiredVersion: "1", desiredCommit: "aaaa")
      status.followsSource = follows
      return status
    }
    func record(_ commit: String) -> WrittenRecord {
      WrittenRecord(
        text: #"{"memory":{},"sources":{"main":{"commit":"\#(commit)","isComplete":true},"b":{}}}"#)
    }
    let other = TargetID("mailer", "production")
    try await ledger.commit(
      LedgerWrite(
        agentRecord: record("bbbb"),
        statuses: [web: status(web, follows: true), other: status(other, follows: nil)]))
    #expect(try await ledger.statuses().map(\.desiredCommit) == ["aaaa", "bbbb"])
    #expect(try await ledger.statuses().allSatisfy { $0.followsSource == nil })
    // A later commit that changes neither is one row.
    try await ledger.commit(LedgerWrite(agentRecord: record("cccc")))
    #expect(try await ledger.statuses().map(\.desiredCommit) == ["aaaa", "cccc"])
    #expect(try await ledger.verify().reason == nil)
    withExtendedLifetime(place) {}
  }

  @Test func `everything that was committed is there after the file is opened again`() async throws
  {
    let place = try Place()
    let status = TargetStatus(target: web, desiredVersion: "1.10", sync: .synced)
    let fingerprint = Fingerprint(
      schema: 1, declared: [FieldPath("release", "/argv"): "a"],
      settled: [FieldPath("instance/0", "/files/x#y"): "b"])
    let stack = StackID(web, 3)
    do {
      let ledger = try place.open()
      #expect(try await ledger.load().isNew)
      let write = LedgerWrite(
        entries: [
          LedgerEntry(
            at: WallTime(milliseconds: 9), kind: .intent, target: web, generation: 3, pass: 12,
            message: "launch \u{202E} \"x\"\nline", details: ["a": ["b", 1, true, .null]])
        ], records: [web: #"{"stable":3}"#], agentRecord: "{}", statuses: [web: status],
        fingerprints: [stack: fingerprint], alerts: [alert("k1"), alert("k2")])
      #expect(try await ledger.commit(write) == 1)
      try ledger.close()
    }
    let ledger = try place.open()
    let contents = try await ledger.load()
    #expect(!contents.isNew)
    #expect(contents.lastSequence == 1)
    #expect(contents.records == [web: #"{"stable":3}"#])
    #expect(contents.agentRecord == "{}")
    #expect(contents.fingerprints == [stack: fingerprint])
    #expect(contents.outbox == [alert("k1"), alert("k2")])
    #expect(try await ledger.statuses() == [status])
    let entry = try #require(try await ledger.history(HistoryQuery()).first)
    #expect(entry.sequence == 1)
    #expect(entry.generation == 3)
    #expect(entry.pass == 12)
    #expect(entry.message == "launch \u{202E} \"x\"\nline")
    #expect(entry.details == ["a": ["b", 1, true, .null]])
    #expect(try await ledger.verify() == ChainReport(entries: 1, checkpoints: 0))
  }

  @Test func `nil deletes a record, a status and a fingerprint`() async throws {
    let place = try Place()
    let ledger = try place.open()
    let stack = StackID(web, 1)
    try await ledger.commit(
      LedgerWrite(
        records: [web: "{}"], statuses: [web: TargetStatus(target: web)],
        fingerprints: [stack: Fingerprint(schema: 1, declared: [:])]))
    try await ledger.commit(
      LedgerWrite(
        records: [web: nil], statuses: [web: nil],
        fingerprints: [stack: nil]))
    let contents = try await ledger.load()
    #expect(contents.records.isEmpty)
    #expect(contents.fingerprints.isEmpty)
    #expect(try await ledger.statuses().isEmpty)
  }

  @Test func `a write that fails leaves nothing behind`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...3))
    await #expect(throws: LedgerError.self) {
      try await ledger.commit(LedgerWrite(entries: [note(4)], records: [web: ""]))
    }
    #expect(try await ledger.load().lastSequence == 3)
    #expect(try await ledger.history(HistoryQuery()).count == 3)
    #expect(try await ledger.verify().reason == nil)
  }

  @Test func `a cancelled task still records what it has done`() async throws {
    let place = try Place()
    let ledger = try place.open()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await ledger.commit(notes(1...1))
    }
    #expect(try await task.value == 1)
    #expect(try await ledger.history(HistoryQuery()).count == 1)
  }

  @Test func `requests are entries of the chain and come back oldest first`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...2))
    let digest = Digest.of("x")
    let verbs: [OperatorRequest.Verb] = [
      .pause(nil), .resume(web), .abort(web), .retry(web), .release(web, digest), .adopt(nil),
      .approveRemoval("abc"),
    ]
    for verb in verbs {
      let request = OperatorRequest(
        verb: verb, by: "ada", at: WallTime(milliseconds: 1), reason: "because")
      try await ledger.append(request)
    }
    // A history entry that tells of a request is none.
    try await ledger.commit(
      LedgerWrite(entries: [
        LedgerEntry(at: WallTime(milliseconds: 1), kind: .request, message: "ada pauses everything")
      ]))
    let all = try await ledger.requests(after: 0)
    #expect(all.map(\.verb) == verbs)
    #expect(all.map(\.sequence) == Array(3...9))
    #expect(all.first?.by == "ada")
    #expect(try await ledger.requests(after: 8).map(\.verb) == [.approveRemoval("abc")])
    let history = try await ledger.history(HistoryQuery(kinds: [.request], limit: 2))
    #expect(history.last?.message == "ada asked: approve the removals of commit abc: because")
    #expect(try await ledger.verify().entries == 10)
  }

  @Test func `history filters, pages and never gives more than the limit`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...10))
    try await ledger.commit(notes(11...15, target: web))
    func sequences(_ query: HistoryQuery) async throws -> [Int] {
      try await ledger.history(query).map(\.sequence)
    }
    #expect(try await sequences(HistoryQuery(target: web)) == [15, 14, 13, 12, 11])
    #expect(try await sequences(HistoryQuery(after: 12, limit: 2)) == [15, 14])
    #expect(try await sequences(HistoryQuery(before: 3)) == [2, 1])
    #expect(try await sequences(HistoryQuery(kinds: [.intent])) == [])
    #expect(try await sequences(HistoryQuery(limit: -1)) == [])
  }

  @Test func `an alert is queued once per key, also after its delivery`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(LedgerWrite(alerts: [alert("a"), alert("b"), alert("a")]))
    #expect(try await ledger.outbox(limit: 9).map(\.key) == ["a", "b"])
    try await ledger.commit(LedgerWrite(deliveredAlerts: ["a"]))
    try await ledger.commit(LedgerWrite(alerts: [alert("a")]))
    #expect(try await ledger.load().outbox.map(\.key) == ["b"])
    #expect(try await ledger.verify().reason == nil)
  }

  @Test func `a hostile NUL in a message is no damage`() async throws {
    let place = try Place()
    let ledger = try place.open()
    var entry = note(1)
    entry.message = "a\0b"
    try await ledger.commit(LedgerWrite(entries: [entry]))
    #expect(try await ledger.verify().reason == nil)
    #expect(try await ledger.history(HistoryQuery()).first?.message == "a\u{2400}b")
  }

  @Test func `two openers write into one chain`() async throws {
    let place = try Place()
    let (first, second) = (try place.open(), try place.open())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...40 {
        let ledger = number % 2 == 0 ? first : second
        group.addTask { try await ledger.commit(notes(number...number)) }
      }
      try await group.waitForAll()
    }
    #expect(try await first.verify() == ChainReport(entries: 40, checkpoints: 0))
    #expect(try await second.load().lastSequence == 40)
  }

  @Test func `statements do not grow with the rows`() async throws {
    let place = try Place()
    let count = StatementCount()
    let ledger = try place.open { count.add($0) }
    count.reset()
    try await ledger.commit(notes(1...1))
    // begin, head, entry, head, commit.
    #expect(count.value == 5)
    let targets = (0..<10_000).map { TargetID(ApplicationName(rawValue: "a\($0)"), "production") }
    let statuses = Dictionary(
      uniqueKeysWithValues: targets.map { ($0, TargetStatus?.some(TargetStatus(target: $0))) })
    count.reset()
    try await ledger.commit(LedgerWrite(statuses: statuses))
    // begin, head, 20 × 500 statuses, commit.
    #expect(count.value == 23)
    #expect(try await ledger.statuses().count == 10_000)
  }
}

/// Counts statements that other threads run.
final class StatementCount: @unchecked Sendable {  // The lock guards the list.
  private let lock = NSLock()
  private var statements: [String] = []
  func add(_ statement: String) { lock.withLock { statements.append(statement) } }
  func reset() { lock.withLock { statements = [] } }
  var value: Int { lock.withLock { statements.count } }
  var all: [String] { lock.withLock { statements } }
}
