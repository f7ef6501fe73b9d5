import Agent
import Display
import Foundation
import LedgerKit
import LedgerStore
import Model

/// Reads statuses and history from the running agent or, when none answers, from its ledger.
struct StatusReader {
  private let configuration: AgentConfiguration
  private let client: AgentClient

  init(_ options: ConfigurationOptions) throws {
    configuration = try options.load()
    client = try AgentClient(socket: configuration.socketPath)
  }

  /// Sorted; all targets when none are named. Errors: a named target that is not there.
  func statuses(of targets: [TargetID]) async throws -> [TargetStatus] {
    let all = try await either({ try await client.targets() }, { try await $0.statuses() })
    for target in targets where !all.contains(where: { $0.target == target }) {
      let known = all.map(\.target.description).joined(separator: ", ")
      let troubles = Output().troubles(of: try await sources()).dropLast()
      throw Complaint(
        "no target \(target); known: \(known.isEmpty ? "none yet" : known)\(troubles)")
    }
    return targets.isEmpty ? all : all.filter { targets.contains($0.target) }
  }

  /// Of the running agent; none without one: the ledger does not know how the sources are.
  func sources() async throws -> [SourceSummary] {
    client.isAgentThere ? try await client.status().sources : []
  }

  func history(_ query: HistoryQuery) async throws -> [LedgerEntry] {
    try await either({ try await client.history(query) }, { try await $0.history(query) })
  }

  func verify() async throws -> ChainReport {
    try await either({ try await client.verify() }, { try await $0.verify() })
  }

  private func either<Value>(
    _ agent: () async throws -> Value, _ ledger: (LedgerStore) async throws -> Value
  ) async throws -> Value {
    guard !client.isAgentThere else { return try await agent() }
    guard FileManager.default.fileExists(atPath: configuration.ledgerPath) else {
      throw Complaint(
        "no agent answers at \(configuration.socketPath) and there is no ledger at \(configuration.ledgerPath): start an agent with `viridian run`, or name its configuration with --config"
      )
    }
    FileHandle.standardError.write(
      Data("no agent is running: this is what its ledger last recorded\n".utf8))
    let key = try? IdentityKeyFile.read(configuration.identityKeyPath)
    return try await ledger(
      try LedgerStore.openReadOnly(at: configuration.ledgerPath, key: key))
  }
}
