import Foundation
import Support

/// One line of a tree object.
struct TreeLine {
  var mode: String
  var name: [UInt8]
  /// 40 hexadecimal digits.
  var id: String

  init(mode: String, name: [UInt8], id: String) {
    self.mode = mode
    self.name = name
    self.id = id
  }

  init(_ mode: String, _ name: String, _ id: String) {
    self.init(mode: mode, name: Array(name.utf8), id: id)
  }

  var bytes: [UInt8] { Array("\(mode) ".utf8) + name + [0] + Self.digits(id) }

  static func digits(_ id: String) -> [UInt8] {
    let nibbles = id.utf8.map { $0 < 0x60 ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: nibbles.count - 1, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
  }
}

extension GitRepository {
  /// An object of whatever bytes, unchecked.
  func raw(_ type: String, _ bytes: [UInt8]) throws -> String {
    try git(["hash-object", "-w", "--literally", "-t", type, "--stdin"], input: bytes)
  }

  func rawTree(lines: [TreeLine]) throws -> String { try raw("tree", lines.flatMap(\.bytes)) }

  /// The tree of these files; `blob:<id>` in place of a text is a blob that is there already. What has
  /// no ending can be executed.
  func tree(of files: [String: String]) throws -> String {
    var ids: [String: String] = [:]
    for (path, text) in files {
      ids[path] =
        text.hasPrefix("blob:") ? String(text.dropFirst(5)) : try blob(of: Array(text.utf8))
    }
    let lines = ids.map { path, id in
      let isProgram = path.split(separator: "/").last?.contains(".") == false
      return "\(isProgram ? "100755" : "100644") \(id)\t\(path)\n"
    }
    let index = "\(path)/hostile-index-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: index) }
    try git(
      ["update-index", "--index-info"], environment: ["GIT_INDEX_FILE": index],
      input: Array(lines.joined().utf8))
    return try git(["write-tree"], environment: ["GIT_INDEX_FILE": index])
  }

  private func blob(of bytes: [UInt8]) throws -> String {
    if let known = BlobNames.shared.name(of: bytes, in: path) { return known }
    let id = try blob(bytes)
    BlobNames.shared.keep(id, of: bytes, in: path)
    return id
  }

  /// The lines of a tree object that Git takes.
  func lines(of tree: String) throws -> [TreeLine] {
    try git(["ls-tree", tree]).split(separator: "\n").compactMap { line in
      let parts = line.split { $0 == " " || $0 == "\t" }.map(String.init)
      guard parts.count == 4 else { return nil }
      return TreeLine(parts[0] == "040000" ? "40000" : parts[0], parts[3], parts[2])
    }
  }

  /// A commit whose texts nobody looks at.
  func rawCommit(
    _ tree: String, _ parents: [String], message: String, author: String? = nil,
    date: String = "1750000000 +0000"
  ) throws -> String {
    let who = author ?? "Ann <ann@example.com>"
    let head = "tree \(tree)\n" + parents.map { "parent \($0)\n" }.joined()
    let text = head + "author \(who) \(date)\ncommitter \(who) \(date)\n\n\(message)\n"
    return try raw("commit", Array(text.utf8))
  }

  func signedCommit(
    _ tree: String, _ parents: [String], message: String, author: String?, keyFile: String
  ) throws -> String {
    let name = author?.prefix { $0 != "<" }.trimmingCharacters(in: .whitespaces)
    return try git(
      ["-c", "gpg.format=ssh", "-c", "user.signingkey=\(keyFile)", "commit-tree", tree]
        + parents.flatMap { ["-p", $0] } + ["-S", "-m", message],
      environment: name.map { ["GIT_AUTHOR_NAME": $0] } ?? [:])
  }
}

/// What was written to a repository before: most files of a case are those of the case before.
private final class BlobNames: @unchecked Sendable {
  static let shared = BlobNames()
  private let lock = NSLock()
  private var names: [String: [[UInt8]: String]] = [:]

  func name(of bytes: [UInt8], in repository: String) -> String? {
    lock.withLock { names[repository]?[bytes] }
  }

  func keep(_ name: String, of bytes: [UInt8], in repository: String) {
    guard bytes.count < 1 << 16 else { return }
    lock.withLock { names[repository, default: [:]][bytes] = name }
  }
}

/// Keys that sign commits, by the name of whom they belong to.
final class SignerKeys {
  private let directory: TemporaryDirectory

  /// ann may sign; old could, until 2020; lost could, and is revoked; nobody knows eve.
  init() throws {
    directory = try TemporaryDirectory()
    var publicKeys: [String: String] = [:]
    for name in ["ann", "old", "lost", "eve"] {
      try Tool.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", directory.path(name)])
      publicKeys[name] = String(
        decoding: try readFile(directory.path("\(name).pub")), as: UTF8.self)
    }
    func key(_ name: String) -> String { publicKeys[name] ?? "" }
    try directory.write(
      "allowed",
      "ann@example.com \(key("ann"))old@example.com valid-before=\"20200101\" \(key("old"))"
        + "lost@example.com \(key("lost"))")
    try directory.write("revoked", key("lost"))
  }

  func file(_ name: String) throws -> String {
    let path = directory.path(name)
    guard FileManager.default.fileExists(atPath: path) else {
      throw Unexpected("nobody is called \(name)")
    }
    return path
  }

  /// For the source.
  var verify: String {
    "verify: { policy: require, allowedSigners: \"\(directory.path("allowed"))\", "
      + "revokedKeys: \"\(directory.path("revoked"))\" }"
  }
}
