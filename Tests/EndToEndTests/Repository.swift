import Foundation
import Support

/// A Git remote made from examples-repo, and a clone in which the tests commit.
struct Repository {
  let path: String
  private let clone: URL

  /// `application`: replacements in applications/web/application.yaml.
  init(
    in directory: URL, port: Int, stagingPort: Int, _ application: [String: String],
    _ keeping: Set<String>, _ remote: String?
  ) throws {
    path = remote ?? directory.appending(path: "remote.git").path
    clone = directory.appending(path: "clone")
    try FileManager.default.copyItem(at: Programs.examples, to: clone)
    let quick = [
      "bake: 10s": "bake: 500ms",
      "interval: 500ms, healthyAfter: 3": "interval: 350ms, healthyAfter: 2",
      "debounce: 3s": "debounce: 200ms",
      "deadline: 10s, then": "deadline: 1s, then", "deadline: 20s": "deadline: 5s",
    ].merging(application) { _, given in given }
    try edit("applications/web/application.yaml", quick)
    try edit("applications/mailer/application.yaml", ["bake: 10s": "bake: 500ms"])
    try edit("environments/production/web.yaml", ["127.0.0.1:8080": "127.0.0.1:\(port)"])
    try edit("environments/staging/web.yaml", ["127.0.0.1:8081": "127.0.0.1:\(stagingPort)"])
    for target in ["web@production", "web@staging", "mailer@production", "mailer@staging"]
    where !keeping.contains(target) {
      let parts = target.split(separator: "@")
      try FileManager.default.removeItem(
        at: clone.appending(path: "environments/\(parts[1])/\(parts[0]).yaml"))
    }
    if remote == nil { try git(["init", "-q", "--bare", "-b", "main", path], in: directory) }
    try git(["init", "-q", "-b", "main"])
    try git(["remote", "add", "origin", path])
    try commit("First declarations")
  }

  /// Replaces texts in a file; each must be there.
  func edit(_ file: String, _ replacements: [String: String]) throws {
    let url = clone.appending(path: file)
    var text = try String(contentsOf: url, encoding: .utf8)
    for (old, new) in replacements {
      guard text.contains(old) else { throw Unexpected("\(file) has no \"\(old)\"") }
      text = text.replacingOccurrences(of: old, with: new)
    }
    try Data(text.utf8).write(to: url)
  }

  /// A preview of web in production, which listens at `port`.
  func preview(at preview: Int, beside port: Int) throws {
    try edit(
      "environments/production/web.yaml",
      ["\(port)\" }": "\(port)\", preview: \"127.0.0.1:\(preview)\" }"])
  }

  func write(_ file: String, _ text: String) throws {
    let url = clone.appending(path: file)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func remove(_ file: String) throws { try git(["rm", "-rq", file]) }

  /// Sets the version of web in production, commits and pushes.
  @discardableResult
  func bump(to version: String, environment: String = "production") throws -> String {
    let url = clone.appending(path: "environments/\(environment)/web.yaml")
    let text = try String(contentsOf: url, encoding: .utf8)
    let line = try line(of: text, prefix: "  version: ")
    try Data(text.replacingOccurrences(of: line, with: "  version: \(version)").utf8).write(to: url)
    return try commit("web \(version)")
  }

  /// Commits everything and pushes; the answer is the commit id.
  @discardableResult
  func commit(_ message: String, force: Bool = false) throws -> String {
    try git(["add", "-A"])
    try git(["commit", "-q", "--allow-empty", "-m", message])
    try git(["push", "-q"] + (force ? ["--force"] : []) + ["origin", "HEAD:refs/heads/main"])
    return try git(["rev-parse", "HEAD"])
  }

  /// `git revert HEAD` and push.
  @discardableResult
  func revert() throws -> String {
    try git(["revert", "--no-edit", "HEAD"])
    try git(["push", "-q", "origin", "HEAD:refs/heads/main"])
    return try git(["rev-parse", "HEAD"])
  }

  @discardableResult
  func git(_ arguments: [String], in directory: URL? = nil) throws -> String {
    try Tool.run(["git"] + arguments, in: (directory ?? clone).path)
  }

  private func line(of text: String, prefix: String) throws -> String {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else {
      throw Unexpected("no line begins with \"\(prefix)\"")
    }
    return String(line)
  }
}
