import Agent
import Foundation
import GitSource
import Manifest
import Model

/// The declarations in the user's own working copy: for lint, plan, promote and rollback.
struct DeclarationFiles {
  let directory: String

  /// All YAML files below the directory, artifacts and hidden folders left out.
  func read() throws -> [ManifestFile] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      throw Complaint("there is no directory \(directory)")
    }
    guard isDirectory.boolValue else { throw Complaint("\(directory) is not a directory") }
    guard access(directory, R_OK | X_OK) == 0,
      let walk = FileManager.default.enumerator(atPath: directory)
    else { throw Complaint("\(directory) cannot be read") }
    var files: [ManifestFile] = []
    for case let path as String in walk where path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
      let parts = path.split(separator: "/")
      guard !parts.contains(where: { $0.hasPrefix(".") }), parts.first != "artifacts",
        let data = FileManager.default.contents(atPath: "\(directory)/\(path)")
      else { continue }
      files.append(ManifestFile(path: path, bytes: Array(data)))
    }
    return files.sorted { $0.path < $1.path }
  }

  /// The declarations at a Git revision, read with the user's own git.
  func read(at revision: String) throws -> [ManifestFile] {
    guard !revision.hasPrefix("-") else { throw Complaint("\"\(revision)\" is not a revision") }
    let listing = try git(["ls-tree", "-r", "-z", "--name-only", revision])
    let paths = listing.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return try paths.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
      .filter { !$0.hasPrefix("artifacts/") }.sorted()
      // The listing is of this directory, which need not be the repository's top.
      .map { ManifestFile(path: $0, bytes: try git(["show", "\(revision):./\($0)"])) }
  }

  func commit(of revision: String) throws -> CommitID {
    let text = String(
      decoding: try git(["rev-parse", "--verify", "\(revision)^{commit}"]), as: UTF8.self)
    return CommitID(rawValue: text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Where a source's declarations lie: below its `path` when this is the repository's top.
  func below(_ path: String) -> DeclarationFiles {
    let path = path.split(separator: "/").joined(separator: "/")
    guard !path.isEmpty, prefix?.isEmpty == true else { return self }
    return DeclarationFiles(directory: "\(directory)/\(path)")
  }

  /// This directory's path in its repository, empty at the top; nil outside of one.
  var prefix: String? { (try? line(["rev-parse", "--show-prefix"])).map(Self.plain) }

  /// The addresses under which a source may name this repository; none outside of one.
  func addresses() -> Set<String> {
    guard let top = try? line(["rev-parse", "--show-toplevel"]) else { return [] }
    let remotes = (try? git(["config", "--get-regexp", "^remote\\..*\\.url$"])) ?? []
    let urls = String(decoding: remotes, as: UTF8.self).split(separator: "\n")
      .compactMap { $0.split(separator: " ", maxSplits: 1).last.map { Self.plain(String($0)) } }
    return Set(urls + [Self.plain(top)])
  }

  /// One spelling for addresses or paths that mean the same place.
  static func plain(_ url: String) -> String {
    var url = url
    if url.hasPrefix("file://") { url.removeFirst("file://".count) }
    while url.hasSuffix("/") { url.removeLast() }
    return url.hasSuffix(".git") ? String(url.dropLast(4)) : url
  }

  private func line(_ arguments: [String]) throws -> String {
    String(decoding: try git(arguments), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func git(_ arguments: [String]) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/git")
    process.arguments = ["-C", directory] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    let problem = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Complaint(
        "git \(arguments.joined(separator: " ")): \(String(decoding: problem, as: UTF8.self))")
    }
    return Array(data)
  }
}
