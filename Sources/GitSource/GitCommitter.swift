import Glibc
package import Model

/// Makes commits for `promote` and `rollback` with the user's own git, in the user's own working
/// copy, as the user: hooks, signing and identity are theirs.
package struct GitCommitter: Sendable {
  private let directory: String
  private let environment: [String]

  /// `directory`: inside a working copy. `environment`: the user's, as `NAME=value`.
  package init(directory: String, environment: [String]) {
    self.directory = directory
    // Never ask on a terminal that nobody looks at.
    self.environment = environment + ["GIT_TERMINAL_PROMPT=0"]
  }

  /// Commits `bytes` as the file `path` (from the working copy's top), and nothing else that is
  /// staged or changed. The answer is the new commit. With `push`, also pushes the branch that is
  /// checked out to its upstream.
  ///
  /// Errors: `.refused` when the file has changes that are not committed, or a hook or the server
  /// refuses; then the file is as it was, or the commit is made but not pushed.
  package func commit(
    path: String, bytes: [UInt8], message: String, push: Bool
  ) throws(SourceError) -> CommitID {
    let top = try git(["rev-parse", "--show-toplevel"])
    let isPlain = path.split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { TreeRules.problem(withName: Array($0.utf8)) == nil }
    guard isPlain else { throw .refused("\"\(path)\" is not a path in the working copy") }
    let file = "\(top)/\(path)"
    guard try git(["-C", top, "status", "--porcelain", "--", ":(literal)\(path)"]).isEmpty else {
      throw .refused("\(path) has changes that are not committed: commit or undo them first")
    }
    guard let before = readWhole(file, limit: 16 << 20) else {
      throw .missing("cannot read \(file): \(String(cString: strerror(errno)))")
    }
    try overwrite(file, bytes)
    do throws(SourceError) {
      try git(["-C", top, "commit", "--quiet", "-m", message, "--", ":(literal)\(path)"])
    } catch {
      try overwrite(file, before)
      throw error
    }
    let commit = CommitID(rawValue: try git(["-C", top, "rev-parse", "HEAD"]))
    if push { try git(["-C", top, "push", "--quiet"]) }
    return commit
  }

  private func overwrite(_ file: String, _ bytes: [UInt8]) throws(SourceError) {
    let target = Descriptor(open(file, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW))
    guard writeAll(target.number, bytes) else {
      throw .refused("cannot write \(file): \(String(cString: strerror(errno)))")
    }
  }

  @discardableResult
  private func git(_ arguments: [String]) throws(SourceError) -> String {
    let git = ChildProcess.program(
      ["/usr/bin/env", "git"] + arguments, environment, directory: directory)
    let output = try ChildProcess(deadline: .seconds(120)).run(git)
    guard output.end == .exited(0) else {
      let reason = String(decoding: output.standardError, as: UTF8.self)
      let command = arguments.first { !$0.hasPrefix("-") && !$0.hasPrefix("/") } ?? ""
      throw .refused("git \(command): \(reason.split(separator: "\n").joined(separator: "; "))")
    }
    return String(decoding: output.standardOutput.prefix { $0 != 10 }, as: UTF8.self)
  }
}
