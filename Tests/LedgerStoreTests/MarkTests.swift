import Foundation
import LedgerKit
import LedgerStore
import Model
import Testing

/// A ledger that is not the newest one that was written here says so (S24).
@Suite struct MarkTests {
  private func isOlder(_ place: Place) async throws -> Bool {
    let ledger = try place.open()
    defer { try? ledger.close() }
    return try await ledger.load().isOlder
  }

  /// Twenty entries; `copy.db` has the first ten of them.
  private func written() async throws -> Place {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...10))
    try await ledger.backup(to: place.file("copy.db"))
    try await ledger.commit(notes(11...20))
    try ledger.close()
    return place
  }

  private func restore(_ place: Place) async throws {
    _ = try await LedgerStore.restore(
      from: place.file("copy.db"), to: place.path, lock: place.file("lock"), key: key())
  }

  @Test func `the newest one is not older, also when it was killed or had no mark`() async throws {
    let place = try await written()
    #expect(try await !isOlder(place))
    let killed = try place.open()
    try await killed.commit(notes(21...21))
    #expect(try await !isOlder(place))
    try killed.close()
    try FileManager.default.removeItem(atPath: place.path + ".mark")
    #expect(try await !isOlder(place))
  }

  @Test func `a backup that is restored is older until every target was told`() async throws {
    let place = try await written()
    try await restore(place)
    #expect(try await isOlder(place))
    let ledger = try place.open()
    // Writes alone do not make it the newest one: the agent may die before it has told anybody.
    try await ledger.commit(notes(1...2))
    #expect(try await isOlder(place))
    var told = notes(3...3)
    told.settlesLoss = true
    try await ledger.commit(told)
    #expect(try await !isOlder(place))
    try ledger.close()
    // And the same backup is older again.
    try await restore(place)
    #expect(try await isOlder(place))
  }

  @Test func `an older ledger that grew as long again is older still`() async throws {
    for length in [10, 30] {
      let place = try await written()
      try FileManager.default.copyItem(
        atPath: place.path + ".mark", toPath: place.file("mark"))
      try await restore(place)
      try FileManager.default.removeItem(atPath: place.path + ".mark")
      let ledger = try place.open()
      try await ledger.commit(notes(101...100 + length))
      try ledger.close()
      try Data(contentsOf: URL(fileURLWithPath: place.file("mark")))
        .write(to: URL(fileURLWithPath: place.path + ".mark"))
      #expect(try await isOlder(place))
    }
  }

  @Test func `what retention has taken away makes nothing older`() async throws {
    let place = try await written()
    let ledger = try place.open()
    try await ledger.prune(olderThan: WallTime(milliseconds: 1_000_000), keep: 1)
    try ledger.close()
    #expect(try await !isOlder(place))
  }

  @Test func `a restored backup of this very moment is not older`() async throws {
    let place = try Place()
    let ledger = try place.open()
    try await ledger.commit(notes(1...10))
    try await ledger.backup(to: place.file("copy.db"))
    try ledger.close()
    try await restore(place)
    #expect(try await !isOlder(place))
  }

  @Test func `another ledger, longer or not, is not the newest of this host`() async throws {
    let place = try await written()
    let other = try Place()
    let ledger = try other.open()
    try await ledger.commit(notes(1...50))
    try await ledger.backup(to: place.file("theirs.db"))
    try ledger.close()
    _ = try await LedgerStore.restore(
      from: place.file("theirs.db"), to: place.path, lock: place.file("lock"), key: key())
    #expect(try await isOlder(place))
  }

  @Test(arguments: [
    "", "no mark", String(repeating: "x", count: 122), String(repeating: "9", count: 5000),
  ])
  func `a mark that makes no sense says nothing, and is written anew`(_ text: String) async throws {
    let place = try await written()
    try Data(text.utf8).write(to: URL(fileURLWithPath: place.path + ".mark"))
    #expect(try await !isOlder(place))
    let ledger = try place.open()
    try await ledger.commit(notes(21...21))
    try ledger.close()
    try await restore(place)
    #expect(try await isOlder(place))
  }
}
