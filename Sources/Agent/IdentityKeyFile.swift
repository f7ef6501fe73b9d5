import Foundation
package import Model

/// The identity key's file: 32 random bytes, mode 0600. Losing it makes every stack foreign.
package enum IdentityKeyFile {
  package static func read(_ path: String) throws(AgentError) -> IdentityKey {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .startup("the identity key \(path) cannot be read: \(lastSystemError())")
    }
    guard let key = IdentityKey(bytes: Array(data)) else {
      throw .startup("the identity key \(path) is shorter than 32 bytes: restore it from a backup")
    }
    return key
  }

  /// Makes a key where there is none. Refuses when stacks are already there: they carry certificates
  /// of a key that is gone, and launching beside them would run everything twice.
  package static func readOrMake(
    _ path: String, hasStacks: Bool
  ) throws(AgentError) -> IdentityKey {
    if FileManager.default.fileExists(atPath: path) { return try read(path) }
    guard !hasStacks else {
      throw .startup(
        "the identity key \(path) is missing, but stacks are there: restore the key from a backup; without it they cannot be told from foreign ones"
      )
    }
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    do {
      try writeDurably(Data(bytes), to: path, mode: 0o600)
    } catch {
      throw .startup("the identity key \(path) cannot be written: \(error)")
    }
    return try read(path)
  }
}
