import Foundation
import GRDB
import LedgerKit
import LedgerStore
import Model
import Testing

/// A directory of its own with a ledger path in it; removed at the end of the test.
final class Place: Sendable {
  let directory: String
  var path: String { directory + "/ledger.db" }

  init() throws {
    directory = NSTemporaryDirectory() + "viridian-ledger-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit {
    // A ledger that closes takes its own files away, perhaps while these are listed.
    var failure: (any Error)?
    for _ in 1...3 {
      do {
        try FileManager.default.removeItem(atPath: directory)
        return
      } catch {
        failure = error
      }
    }
    if let failure { Issue.record(failure) }
  }

  func open(trace: (@Sendable (String) -> Void)? = nil) throws -> LedgerStore {
    try LedgerStore.open(at: path, key: key(), trace: trace)
  }

  func file(_ name: String) -> String { directory + "/" + name }

  /// What somebody with access to the file, but not to the key, may do.
  func tamper(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }
}

func key(_ byte: UInt8 = 7) throws -> IdentityKey {
  try #require(IdentityKey(bytes: Array(repeating: byte, count: 32)))
}

let web = TargetID("web", "production")

func note(_ number: Int, target: TargetID? = nil) -> LedgerEntry {
  LedgerEntry(
    at: WallTime(milliseconds: number * 1000), kind: .note, target: target,
    message: "entry \(number)")
}

func notes(_ numbers: ClosedRange<Int>, target: TargetID? = nil) -> LedgerWrite {
  LedgerWrite(entries: numbers.map { note($0, target: target) })
}

func alert(_ key: String) -> OutboxAlert {
  OutboxAlert(
    key: key, at: WallTime(milliseconds: 5), target: web, severity: "warning",
    reason: "DriftDetected", message: "drift")
}
