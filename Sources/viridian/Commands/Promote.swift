import ArgumentParser
import Foundation
import GitSource
import Manifest
import Model
import PlatformKit

/// Edits one version in the user's working copy and commits it: Git stays the only truth.
struct VersionChange {
  let directory: String
  let push: Bool

  func apply(_ version: String, to target: TargetID, message: String) throws {
    let files = try DeclarationFiles(directory: directory).read()
    let edit: ManifestEditor.Edit
    do throws(DecodingProblems) {
      edit = try ManifestEditor.setVersion(version, of: target, in: files)
    } catch {
      throw Complaint(error.diagnostics.map(\.description).joined(separator: "\n"))
    }
    guard !files.contains(where: { $0.path == edit.path && $0.bytes == edit.bytes }) else {
      return print("\(target) declares \(version) already; there is nothing to commit")
    }
    let commit = try GitCommitter(
      directory: directory,
      environment: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    ).commit(path: edit.path, bytes: edit.bytes, message: message, push: push)
    print(
      "\(target) → \(version) in commit \(commit.short)\(push ? ", pushed" : "; push it to deploy")"
    )
  }
}

struct Promote: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gives one environment the version of another, by a Git commit.")
  @Argument(help: "The application.") var application: String
  @Option(help: "The environment whose version is taken.") var from: String
  @Option(help: "The environment that gets it.") var to: String
  @Option(help: "The declarations' working copy.", completion: .directory) var directory = "."
  @Flag(help: "Push the commit.") var push = false
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let name = ApplicationName(rawValue: application)
    let (source, target) = (
      TargetID(name, EnvironmentName(rawValue: from)), TargetID(name, EnvironmentName(rawValue: to))
    )
    let statuses = try await StatusReader(options).statuses(of: [source])
    guard let status = statuses.first, let version = status.liveVersion, status.sync == .synced
    else {
      throw Complaint("\(source) is not synced: promote what has proven itself there")
    }
    try VersionChange(directory: directory, push: push)
      .apply(
        version, to: target, message: "Promote \(application) \(version) from \(from) to \(to)")
  }
}

struct Rollback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Declares the version that a warm stack still runs, by a Git commit.")
  @Argument(help: "web@production") var target: TargetID
  @Option(help: "This version instead of the newest warm one.") var version: String?
  @Option(help: "The declarations' working copy.", completion: .directory) var directory = "."
  @Flag(help: "Push the commit.") var push = false
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let version: String
    if let given = self.version { version = given } else { version = try await warmVersion() }
    try VersionChange(directory: directory, push: push)
      .apply(version, to: target, message: "Roll \(target) back to \(version)")
  }

  private func warmVersion() async throws -> String {
    let status = try await StatusReader(options).statuses(of: [target]).first
    let warm = status?.stacks.filter { $0.role == "warm" }.max { $0.generation < $1.generation }
    guard let warm else {
      throw Complaint("\(target) has no warm stack; name a version with --version")
    }
    return warm.version
  }
}
