import Foundation
package import Model
import Synchronization

/// Where each source's last accepted state outlives the agent.
package protocol LastGood: Sendable {
  /// nil when nothing was kept or when it cannot be trusted: then the source is read anew.
  func load(_ source: SourceName) -> DesiredState?

  /// Kept for good when it returns.
  func save(_ state: DesiredState) throws(AgentError)
}

/// Keeps each source's last accepted state on disk, authenticated, so that the agent can go on
/// reconciling when it starts while Git is down.
///
/// A commit appends what it has changed; once the changes are as long as the state itself, the file is
/// written anew.
package final class LastGoodStore: LastGood {
  private let directory: String
  private let key: IdentityKey
  /// What the files say that this value has read or written as a whole.
  private let kept = Mutex<[SourceName: Kept]>([:])

  private struct Kept: Sendable {
    var state: DesiredState
    /// Of the last block.
    var mac: String
    var wholeBytes: Int
    var changedBytes = 0
  }

  /// Changes that are shorter are never worth writing the whole state for.
  private static let smallBytes = 64 << 10

  /// `directory`: exists, belongs to the agent.
  package init(directory: String, key: IdentityKey) {
    self.directory = directory
    self.key = key
  }

  package func load(_ source: SourceName) -> DesiredState? {
    guard let data = FileManager.default.contents(atPath: path(source)),
      let found = LastGoodFile.read(Array(data), key: key), found.state.source == source
    else { return nil }
    kept.withLock { kept in
      kept[source] =
        found.isWhole
        ? Kept(
          state: found.state, mac: found.mac, wholeBytes: found.firstBytes,
          changedBytes: data.count - found.firstBytes) : nil
    }
    return found.state
  }

  package func save(_ state: DesiredState) throws(AgentError) {
    do {
      // Until it is done nobody knows what the file says.
      if let old = kept.withLock({ $0.removeValue(forKey: state.source) }),
        let new = try append(state, to: old)
      {
        kept.withLock { $0[state.source] = new }
        return
      }
      let (block, mac) = try LastGoodFile.block(of: state, after: nil, mac: "", key: key)
      try writeDurably(Data(block), to: path(state.source))
      kept.withLock { $0[state.source] = Kept(state: state, mac: mac, wholeBytes: block.count) }
    } catch {
      throw .startup("cannot keep the last good state of \(state.source): \(error)")
    }
  }

  /// nil: so much has changed that the file is better written anew.
  private func append(_ state: DesiredState, to old: Kept) throws -> Kept? {
    let (block, mac) = try LastGoodFile.block(of: state, after: old.state, mac: old.mac, key: key)
    let new = Kept(
      state: state, mac: mac, wholeBytes: old.wholeBytes,
      changedBytes: old.changedBytes + block.count)
    guard new.changedBytes <= max(new.wholeBytes, Self.smallBytes) else { return nil }
    let descriptor = open(path(state.source), O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    // Somebody else has written: ours is the file again once it is written as a whole.
    guard try handle.seekToEnd() == UInt64(old.wholeBytes + old.changedBytes) else { return nil }
    try handle.write(contentsOf: Data(block))
    try handle.synchronize()
    return new
  }

  private func path(_ source: SourceName) -> String { "\(directory)/\(source).jsonl" }
}

/// Writes beside, syncs, renames, syncs the directory: after a crash there is the old or the new.
func writeDurably(_ data: Data, to path: String, mode: mode_t = 0o600) throws {
  let temporary = "\(path).new"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
  guard descriptor >= 0 else { throw AgentError.startup("\(temporary): \(lastSystemError())") }
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  try handle.write(contentsOf: data)
  try handle.synchronize()
  guard rename(temporary, path) == 0 else {
    throw AgentError.startup("\(path): \(lastSystemError())")
  }
  let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
  guard folder >= 0 else { return }
  fsync(folder)
  close(folder)
}
