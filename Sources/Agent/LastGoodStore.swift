import Foundation
package import Model

/// Where each source's last accepted state outlives the agent.
package protocol LastGood: Sendable {
  /// nil when nothing was kept or when it cannot be trusted: then the source is read anew.
  func load(_ source: SourceName) -> DesiredState?

  /// Kept for good when it returns.
  func save(_ state: DesiredState) throws(AgentError)
}

/// Keeps each source's last accepted state on disk, authenticated, so that the agent can go on
/// reconciling when it starts while Git is down.
package struct LastGoodStore: LastGood {
  private let directory: String
  private let key: IdentityKey

  private struct Envelope: Codable {
    var mac: String
    var state: Data
  }

  /// `directory`: exists, belongs to the agent.
  package init(directory: String, key: IdentityKey) {
    self.directory = directory
    self.key = key
  }

  package func load(_ source: SourceName) -> DesiredState? {
    guard let data = FileManager.default.contents(atPath: path(source)),
      let envelope = try? JSONDecoder().decode(Envelope.self, from: data),
      envelope.mac == key.code(of: Array(envelope.state), purpose: "last-good"),
      let state = try? JSONDecoder().decode(DesiredState.self, from: envelope.state),
      state.source == source
    else { return nil }
    return state
  }

  package func save(_ state: DesiredState) throws(AgentError) {
    do {
      let encoded = try JSONEncoder().encode(state)
      let mac = key.code(of: Array(encoded), purpose: "last-good")
      let envelope = try JSONEncoder().encode(Envelope(mac: mac, state: encoded))
      try writeDurably(envelope, to: path(state.source))
    } catch {
      throw .startup("cannot keep the last good state of \(state.source): \(error)")
    }
  }

  private func path(_ source: SourceName) -> String { "\(directory)/\(source).json" }
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
