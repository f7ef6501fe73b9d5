import Glibc
import Model

/// The last accepted commit, beside the store: it outlives a store that had to be cloned anew, so
/// that damage never opens the way for a rewritten history.
struct AcceptedFile {
  private let path: String

  init(directory: String) { path = "\(directory)/accepted" }

  /// nil: nothing was accepted yet.
  func read() throws(SourceError) -> CommitID? {
    guard let bytes = readWhole(path, limit: 64) else {
      if access(path, F_OK) != 0, errno == ENOENT { return nil }
      throw .worker("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    let text = String(decoding: bytes.prefix(40), as: UTF8.self)
    guard isObjectID(text) else {
      throw .damaged("\(path) does not hold a commit: write the last accepted one into it")
    }
    return CommitID(rawValue: text)
  }

  func write(_ commit: CommitID) throws(SourceError) {
    let partial = "\(path).new"
    let file = Descriptor(open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    let isWritten = writeAll(file.number, Array("\(commit)\n".utf8))
    guard isWritten, fsync(file.number) == 0, rename(partial, path) == 0 else {
      throw .worker("cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }
}
