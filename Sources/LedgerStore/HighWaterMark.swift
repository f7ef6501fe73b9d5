import Foundation
import LedgerKit
import Synchronization

/// How far this host has written which ledger, in a small file of its own beside it: a backup that
/// is put in the ledger's place, or an end that is cut off, does not reach it (S24; decision 0027).
///
/// Never synced: it may only fall behind what is on disk, and then gives nothing away.
final class HighWaterMark: Sendable {
  /// One short line of fixed length, written over in one call.
  private struct Place: Hashable {
    static let length = 36 + 1 + 19 + 1 + 64 + 1
    var ledger: String
    var sequence: Int
    var mac: String

    init(_ head: Head) {
      (ledger, sequence, mac) = (head.ledger, head.sequence, head.mac)
    }

    /// nil: not whole, as a power cut may leave it.
    init?(_ line: String) {
      let parts = line.dropLast().split(separator: " ", omittingEmptySubsequences: false)
      guard line.utf8.count == Self.length, line.last == "\n", parts.count == 3,
        let sequence = Int(parts[1]), sequence >= 0
      else { return nil }
      (ledger, self.sequence, mac) = (String(parts[0]), sequence, String(parts[2]))
    }

    var line: String {
      let digits = String(sequence)
      return "\(ledger) \(String(repeating: "0", count: 19 - digits.count))\(digits) \(mac)\n"
    }
  }

  private struct State {
    var written: Place?
    var isBeyond: Bool
  }

  private let descriptor: Int32
  private let state: Mutex<State>

  /// Opens the file, or makes an empty one (mode 0600). `mac`: of the ledger's entry with that number,
  /// when it still has one.
  init(_ path: String, head: Head, mac: (Int) throws -> String?) throws {
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw LedgerError.unavailable("cannot open \(path): \(String(cString: strerror(errno)))")
    }
    var bytes = [UInt8](repeating: 0, count: Place.length)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let written = Place(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
    var isBeyond = false
    if let written {
      let found = written.sequence == head.sequence ? head.mac : try mac(written.sequence)
      isBeyond =
        written.ledger != head.ledger || written.sequence > head.sequence
        || found.map { $0 != written.mac } ?? false
    }
    state = Mutex(State(written: written, isBeyond: isBeyond))
  }

  deinit { close(descriptor) }

  /// The ledger is not the newest one that was written here.
  var isBeyondLedger: Bool { state.withLock(\.isBeyond) }

  /// What was written is on disk. Of a ledger that does not reach the mark this changes nothing, unless
  /// `settlesLoss`.
  func raise(to head: Head, settlesLoss: Bool) {
    let place = Place(head)
    state.withLock { state in
      if settlesLoss { state.isBeyond = false }
      let isBehind = state.written.map { $0.ledger == place.ledger && $0.sequence > place.sequence }
      guard !state.isBeyond, state.written != place, settlesLoss || isBehind != true else { return }
      let bytes = Array(place.line.utf8)
      // Should that fail, the mark stays where it was, and the next write tries again.
      if pwrite(descriptor, bytes, bytes.count, 0) == bytes.count { state.written = place }
    }
  }
}
