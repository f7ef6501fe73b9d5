/// A bare Git repository, and every way of putting commits into it: also trees that git itself
/// would refuse.
package final class GitRepository {
  /// The bare repository.
  package let path: String
  private let directory: TemporaryDirectory

  /// `at`: an existing directory that the repository becomes `<name>.git` of.
  package init(at parent: String? = nil, name: String = "repository") throws {
    directory = try TemporaryDirectory()
    path = "\(parent ?? directory.path)/\(name).git"
    try Tool.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path])
  }

  package enum Signing {
    case ssh(keyFile: String)
    case gpg(home: String, key: String)
  }

  /// Commits exactly these files (path → text) on top of the branch and moves the branch.
  /// `parents` nil: the branch's tip, if there is one.
  @discardableResult
  package func commit(
    _ files: [String: String], branch: String = "main", message: String = "Change",
    parents: [String]? = nil, signing: Signing? = nil
  ) throws -> String {
    try commit(
      tree: try tree(files), branch: branch, message: message, parents: parents, signing: signing)
  }

  /// The same with a tree that was made before.
  @discardableResult
  package func commit(
    tree: String, branch: String = "main", message: String = "Change", parents: [String]? = nil,
    signing: Signing? = nil
  ) throws -> String {
    let before = try parents ?? (tip(branch).map { [$0] } ?? [])
    var environment: [String: String] = [:]
    var options: [String] = []
    switch signing {
    case nil: break
    case .ssh(let file):
      options = ["-c", "gpg.format=ssh", "-c", "user.signingkey=\(file)"]
    case .gpg(let home, let key):
      options = ["-c", "user.signingkey=\(key)"]
      environment["GNUPGHOME"] = home
    }
    let commit = try git(
      options + ["commit-tree", tree] + before.flatMap { ["-p", $0] }
        + (signing == nil ? [] : ["-S"]) + ["-m", message], environment: environment)
    try git(["update-ref", "refs/heads/\(branch)", commit])
    return commit
  }

  /// A tree object of the files.
  package func tree(_ files: [String: String]) throws -> String {
    let index = "\(directory.path)/index-\(UInt64.random(in: 0...UInt64.max))"
    let environment = ["GIT_INDEX_FILE": index]
    let blobs = try blobs(files.values.map { Array($0.utf8) })
    let lines = zip(blobs, files.keys).map { "100644 \($0)\t\($1)\n" }.joined()
    try git(
      ["update-index", "--index-info"], environment: environment, input: Array(lines.utf8))
    return try git(["write-tree"], environment: environment)
  }

  /// All with one process: a test commits hundreds of files.
  private func blobs(_ contents: [[UInt8]]) throws -> [String] {
    let files = try TemporaryDirectory()
    let paths = contents.indices.map { files.path("\($0)") }
    for (path, bytes) in zip(paths, contents) { try writeFile(path, bytes) }
    let input = paths.map { $0 + "\n" }.joined()
    return try git(
      ["hash-object", "-w", "--no-filters", "--stdin-paths"], input: Array(input.utf8)
    ).split(separator: "\n").map(String.init)
  }

  package func blob(_ bytes: [UInt8]) throws -> String {
    try git(["hash-object", "-w", "--stdin"], input: bytes)
  }

  /// A tree of raw entries: whatever mode and name, unsorted, unchecked.
  package func rawTree(_ entries: [(mode: String, name: [UInt8], id: String)]) throws -> String {
    var bytes: [UInt8] = []
    for entry in entries {
      bytes += Array("\(entry.mode) ".utf8) + entry.name + [0]
      var digits = Substring(entry.id)
      while !digits.isEmpty {
        bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
      }
    }
    return try git(["hash-object", "-w", "--literally", "-t", "tree", "--stdin"], input: bytes)
  }

  /// nil: no such branch.
  package func tip(_ branch: String = "main") throws -> String? {
    let lines = try git(["for-each-ref", "--format=%(objectname)", "refs/heads/\(branch)"])
    return lines.isEmpty ? nil : lines
  }

  /// Moves the branch without asking whether that loses commits.
  package func force(_ branch: String = "main", to commit: String) throws {
    try git(["update-ref", "refs/heads/\(branch)", commit])
  }

  package func delete(branch: String) throws {
    try git(["update-ref", "-d", "refs/heads/\(branch)"])
  }

  @discardableResult
  package func git(
    _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = []
  ) throws -> String {
    try Tool.run(["git"] + arguments, in: path, environment: environment, input: input)
  }
}
