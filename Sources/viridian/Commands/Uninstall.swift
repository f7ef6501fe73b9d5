import Agent
import ArgumentParser
import Foundation
import Model
import PlatformKit

struct Uninstall: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stops the agent and removes stacks, router and state, or leaves them serving.")
  @Flag(help: "Stop only the agent; stacks, router and state stay as they are.")
  var keepServing = false
  @Flag(help: "Yes, take everything down.") var yes = false
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let configuration = try options.load()
    guard yes || keepServing else {
      throw Complaint(
        "this takes down every stack of owner \(configuration.owner): say --yes, or --keep-serving")
    }
    try await stopAgent(configuration)
    guard !keepServing else { return print("the agent is stopped; stacks go on serving") }
    guard FileManager.default.fileExists(atPath: configuration.state) else {
      return print("nothing is installed at \(configuration.state)")
    }
    let lease = try await takeLease(configuration)
    if let key = try existingKey(configuration) {
      for entry in configuration.platforms {
        let place = try PlatformCatalog.place(entry, configuration, key: key)
        let removed = try await Uninstaller(place: place).run { print($0) }
        print("\(entry.name): \(removed.count) stacks removed")
        let directory = configuration.directory(of: entry)
        if FileManager.default.fileExists(atPath: directory) {
          try FileManager.default.removeItem(atPath: directory)
        }
      }
    }
    try removeState(configuration.state)
    withExtendedLifetime(lease) {}
  }

  /// A directory that is a volume of its own stays, empty.
  private func removeState(_ path: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }
    guard rmdir(path) != 0 else { return print("removed \(path)") }
    guard errno == EBUSY else {
      throw Complaint("\(path) is empty and cannot be removed: \(String(cString: strerror(errno)))")
    }
    print("emptied \(path), which is a mount point and stays")
  }

  private func existingKey(_ configuration: AgentConfiguration) throws -> IdentityKey? {
    let path = configuration.identityKeyPath
    guard FileManager.default.fileExists(atPath: path) else {
      guard !configuration.hasStacks else {
        throw Complaint("the identity key \(path) is missing: the stacks cannot be proven ours")
      }
      return nil
    }
    return try IdentityKeyFile.read(path)
  }

  private func stopAgent(_ configuration: AgentConfiguration) async throws {
    let client = try AgentClient(socket: configuration.socketPath)
    guard client.isAgentThere else { return }
    try await client.stop()
  }

  /// The agent has ended when its lease is free.
  private func takeLease(_ configuration: AgentConfiguration) async throws -> Lease {
    try configuration.prepareDirectories()
    let end = ContinuousClock.now + .seconds(10)
    while true {
      do {
        return try Lease.take(path: configuration.leasePath, owner: configuration.owner)
      } catch {
        guard ContinuousClock.now < end else { throw error }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
