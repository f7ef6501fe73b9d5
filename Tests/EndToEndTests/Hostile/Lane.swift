import Foundation
import Support

/// One repository with one target that serves, and every way of putting a case's commit into it.
final class Lane {
  let name: String
  /// Where its target is reached.
  let port: Int
  let repository: GitRepository
  /// The declarations lie below this directory; empty: at the top.
  let folder: String
  let keys: SignerKeys?
  /// Path → text of the last good commit, artifacts included.
  private(set) var files: [String: String]
  /// The last good commit.
  private(set) var accepted = ""
  private var rounds = 0
  /// The state directory of the agent that serves it.
  var state = ""
  /// What generators have put beside the stacks.
  var foreign: [String] = []

  var target: String { "web@\(name)" }

  init(_ name: String, at parent: String? = nil, folder: String = "", keys: SignerKeys? = nil)
    throws
  {
    self.name = name
    self.folder = folder
    self.keys = keys
    port = try Ports.one()
    repository = try GitRepository(at: parent, name: name)
    files = try Self.files(name, port: port)
    accepted = try commit(files, to: [], signer: "ann")
    // So that there is a commit to set the branch back to.
    accepted = try commit(files, to: [accepted], signer: "ann")
  }

  /// `web` of the examples with one instance and quick gates, in an environment of the lane's name.
  private static func files(_ name: String, port: Int) throws -> [String: String] {
    func example(_ path: String) throws -> String {
      try String(contentsOf: Programs.examples.appending(path: path), encoding: .utf8)
    }
    var files: [String: String] = [:]
    for version in ["1.0.0", "1.1.0"] {
      for file in ["web", "settings.json"] {
        let path = "artifacts/web-\(version)/\(file)"
        files[path] = try example(path)
      }
    }
    var application = try example("applications/web/application.yaml")
    for (old, new) in [
      ("instances: 2", "instances: 1"), ("bake: 10s", "bake: 500ms"),
      ("interval: 500ms", "interval: 200ms"),
      ("GREETING: hello", "TOKEN: \"${secret:file:canary}\""),
      ("deadline: 10s, then", "deadline: 1s, then"),
    ] {
      application = application.replacing(old, with: new)
    }
    files["applications/web.yaml"] = application
    files["environments/\(name)/environment.yaml"] = try example(
      "environments/production/environment.yaml"
    ).replacing("production", with: name)
    files["environments/\(name)/web.yaml"] = try example("environments/production/web.yaml")
      .replacing("production", with: name).replacing("8080", with: "\(port)")
    return files
  }

  // MARK: - Commits

  /// What the case does to the repository; the answer is the commit, if it makes one.
  func commit(_ item: HostileCase, probe: String) throws -> String? {
    var change = Change(files: item.expectation == .neutral || item.isBeside ? files : bumped)
    for step in item.steps { try apply(step, probe: probe, to: &change) }
    if let made = change.made { return made.isEmpty ? nil : made }
    return try commit(
      change.files, entries: change.entries, to: [accepted], message: change.message,
      author: change.author, signer: change.signer)
  }

  /// The good state again, on top of `parent`, or of the last good commit.
  func repair(on parent: String? = nil) throws -> String {
    rounds += 1
    // A million refs that a case has made.
    unlink("\(repository.path)/packed-refs")
    accepted = try commit(
      files, to: [parent ?? accepted], message: "Good again \(rounds)", signer: "ann")
    return accepted
  }

  /// A new version for all to see.
  func bump() { files = bumped }

  var bumped: [String: String] {
    let path = "environments/\(name)/web.yaml"
    var files = files
    files[path] = files[path]?.replacing("version: 1.0.0", with: "version: 1.1.0")
    return files
  }

  /// What steps have changed so far.
  private struct Change {
    var files: [String: String]
    var entries: [TreeLine] = []
    var message = "Change"
    var author: String?
    var signer = "ann"
    /// A generator made the commit itself; empty: there is none.
    var made: String?
  }

  private func apply(_ step: HostileCase.Step, probe: String, to change: inout Change) throws {
    let put = { (text: String) in
      text.replacing("{lane}", with: self.name).replacing("{port}", with: "\(self.port)")
        .replacing("{probe}", with: probe)
    }
    switch step {
    case .entry(let mode, let name, let content):
      let id = mode == "160000" ? content : try repository.blob(Array(put(content).utf8))
      change.entries.append(TreeLine(mode: mode, name: name, id: id))
    case .file(let path, let text): change.files[put(path)] = put(text)
    case .generated(let path, let words):
      let id = try repository.blob(try Texts.bytes(put(words)))
      change.files[put(path)] = "blob:\(id)"
    case .edit(let path, let old, let new):
      guard let text = change.files[put(path)], text.contains(put(old)) else {
        throw Unexpected("\(put(path)) has no \"\(put(old))\"")
      }
      change.files[put(path)] = text.replacing(put(old), with: put(new))
    case .remove(let path): change.files = change.files.filter { !$0.key.hasPrefix(put(path)) }
    case .message(let text): change.message = text
    case .author(let text): change.author = text.replacing("\n", with: " ")
    case .sign(let signer): change.signer = signer
    case .make(let words): change.made = try make(put(words), change.files, change.signer)
    case .server, .source: break
    }
  }

  /// Commits and moves the branch, unless `moves` says no.
  @discardableResult
  func commit(
    _ files: [String: String], entries: [TreeLine] = [], to parents: [String],
    message: String = "Change", author: String? = nil, signer: String = "nobody", moves: Bool = true
  ) throws -> String {
    var tree = try repository.tree(of: placed(files))
    if !entries.isEmpty {
      tree = try repository.rawTree(lines: try repository.lines(of: tree) + entries)
    }
    return try commit(
      tree: tree, to: parents, message: message, author: author, signer: signer, moves: moves)
  }

  @discardableResult
  func commit(
    tree: String, to parents: [String], message: String = "Change", author: String? = nil,
    signer: String = "nobody", moves: Bool = true
  ) throws -> String {
    let commit: String
    if let keys, signer != "nobody" {
      commit = try repository.signedCommit(
        tree, parents, message: message, author: author, keyFile: try keys.file(signer))
    } else {
      commit = try repository.rawCommit(tree, parents, message: message, author: author)
    }
    if moves { try repository.force(to: commit) }
    return commit
  }

  private func placed(_ files: [String: String]) -> [String: String] {
    guard !folder.isEmpty else { return files }
    return Dictionary(
      files.map { path, text in
        (path.hasPrefix("artifacts/") ? path : "\(folder)/\(path)", text)
      }
    ) { first, _ in first }
  }
}
