import Foundation
import LedgerKit
import LedgerStore
import Model
import Testing

/// A disk that loses or changes the end of what was written last: the ledger is whole, older by that commit
/// and says so, or damaged and says so. It is never anything else.
///
/// `VIRIDIAN_OFFSETS=all`: every byte, not one of some dozens.
@Suite struct LastCommitTests {
  private static let isWhole = ProcessInfo.processInfo.environment["VIRIDIAN_OFFSETS"] == "all"
  private static let files = ["", "-wal", ".mark"]

  enum Damage: CaseIterable, Sendable {
    case cut, lowBit, highBit

    func done(to bytes: Data, at offset: Int) -> Data {
      var bytes = bytes
      switch self {
      case .cut: return bytes.prefix(offset)
      case .lowBit: bytes[offset] ^= 0x01
      case .highBit: bytes[offset] ^= 0x80
      }
      return bytes
    }
  }

  /// What an agent would begin with.
  private struct Start: Equatable {
    var sequence: Int
    var records: [TargetID: String]
    var agentRecord: String?
    var alerts: [String]
    var isOlder: Bool

    init(_ contents: LedgerContents) {
      (sequence, records, agentRecord) = (
        contents.lastSequence, contents.records, contents.agentRecord
      )
      (alerts, isOlder) = (contents.outbox.map(\.key), contents.isOlder)
    }
  }

  private func read(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private func write(_ number: Int) -> LedgerWrite {
    var write = notes(number...number, target: web)
    write.records = [web: WrittenRecord(text: #"{"stable":\#(number)}"#)]
    write.agentRecord = WrittenRecord(text: #"{"pass":\#(number)}"#)
    write.alerts = [alert("alert \(number)")]
    return write
  }

  /// Files as a power cut leaves them after `commits`, and how long the log was before the last.
  private func written(_ commits: Int) async throws -> (files: [Data], begin: Int) {
    let place = try Place()
    let ledger = try place.open()
    for number in 1..<commits { try await ledger.commit(write(number)) }
    let begin = try read(place.path + "-wal").count
    try await ledger.commit(write(commits))
    let files = try Self.files.map { try read(place.path + $0) }
    try ledger.close()
    return (files, begin)
  }

  /// nil: it is damaged, and says so.
  private func start(_ files: [Data]) async throws -> Start? {
    let (place, identity) = (try Place(), try key())
    for (name, bytes) in zip(Self.files, files) {
      try bytes.write(to: URL(fileURLWithPath: place.path + name))
    }
    do throws(LedgerError) {
      let ledger = try LedgerStore.open(at: place.path, key: identity)
      let start = Start(try await ledger.load())
      // It goes on from there.
      try await ledger.commit(notes(99...99))
      let report = try await ledger.verify()
      #expect(report.firstBroken == nil)
      try ledger.close()
      return start
    } catch {
      guard case .damaged = error else {
        Issue.record("\(error)")
        return nil
      }
      return nil
    }
  }

  private func offsets(_ range: Range<Int>) -> [Int] {
    Self.isWhole
      ? Array(range) : Array(stride(from: range.lowerBound, to: range.upperBound, by: 211))
  }

  @Test(arguments: Damage.allCases)
  func `a log whose last commit is damaged is older by that commit`(_ damage: Damage) async throws {
    let (files, begin) = try await written(5)
    let whole = try #require(try await start(files))
    #expect(whole.sequence == 5)
    #expect(!whole.isOlder)
    var seen: Set<Int> = []
    for offset in offsets(begin..<files[1].count) {
      var damaged = files
      damaged[1] = damage.done(to: files[1], at: offset)
      guard let found = try await start(damaged) else { continue }
      seen.insert(found.sequence)
      if found == whole { continue }
      #expect(found.sequence == 4, "offset \(offset)")
      #expect(found.isOlder, "offset \(offset)")
      #expect(found.records == [web: #"{"stable":4}"#], "offset \(offset)")
    }
    #expect(seen.contains(4))
  }

  @Test(arguments: [Damage.lowBit, .highBit])
  func `a changed letter of the newest entry is damage`(_ damage: Damage) async throws {
    let place = try Place()
    let ledger = try place.open()
    for number in 1...5 { try await ledger.commit(write(number)) }
    try await ledger.backup(to: place.file("whole.db"))
    try ledger.close()
    let whole = try read(place.file("whole.db"))
    let text = try #require(whole.range(of: Data("entry 5".utf8)))
    for offset in offsets(text.lowerBound..<text.lowerBound + 7) + [text.lowerBound + 6] {
      let found = try await start([damage.done(to: whole, at: offset), Data(), Data()])
      #expect(found == nil, "offset \(offset)")
    }
  }
}
