import Agent
import ArgumentParser
import Foundation
import LedgerKit
import LedgerStore

struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a consistent copy of the ledger while the agent works.")
  @Argument(help: "The file to write.", completion: .file()) var file: String
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let configuration = try options.load()
    let path = URL(fileURLWithPath: file).path
    let client = try AgentClient(socket: configuration.socketPath)
    if client.isAgentThere {
      try await client.backup(to: path)
    } else {
      let key = try IdentityKeyFile.read(configuration.identityKeyPath)
      try await LedgerStore.openReadOnly(at: configuration.ledgerPath, key: key).backup(to: path)
    }
    print("wrote \(path); keep \(configuration.identityKeyPath) with it, it proves what is ours")
  }
}

struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verifies a backup and puts it in the ledger's place; the agent must be stopped.")
  @Argument(help: "The backup.", completion: .file()) var file: String
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let configuration = try options.load()
    let report = try await LedgerStore.restore(
      from: file, to: configuration.ledgerPath, lock: configuration.leasePath,
      key: try IdentityKeyFile.read(configuration.identityKeyPath))
    print("restored \(report.entries) entries; targets that changed since are held until `adopt`")
  }
}
