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
    guard let walk = FileManager.default.enumerator(atPath: directory) else {
      throw Complaint("\(directory) cannot be read")
    }
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
      .map { ManifestFile(path: $0, bytes: try git(["show", "\(revision):\($0)"])) }
  }

  func commit(of revision: String) throws -> CommitID {
    let text = String(
      decoding: try git(["rev-parse", "--verify", "\(revision)^{commit}"]), as: UTF8.self)
    return CommitID(rawValue: text.trimmingCharacters(in: .whitespacesAndNewlines))
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
