import LedgerKit
import Logging
import Model
import Planning
import ServiceLifecycle

/// Keeps what grows within its bounds: the ledger's history and the artifact cache.
struct HistoryKeeper: Service {
  let ledger: any Ledger
  let settings: HistoryEntry
  let cache: ArtifactCache
  let shelf: StateShelf
  let log: Logger

  /// Both grow slowly: a commit or a rollout at a time.
  private static let interval = Duration.seconds(3600)

  func run() async throws {
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      await tidy()
      do {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
      } catch is CancellationError {
        return
      }
    }
  }

  private func tidy() async {
    if let state = await shelf.current {
      let orders = state.records.values.flatMap { $0.stacks.values.compactMap(\.order) }
      let identities = orders.flatMap(\.resolved).map(\.identity)
      await cache.prune(
        keeping: Set(identities.compactMap { Digest(hex: String($0.dropFirst("sha256:".count))) }))
    }
    do {
      let cutoff = WallTime(
        milliseconds: HostClock.wall().milliseconds - settings.keepFor.wholeMilliseconds)
      let count = try await ledger.prune(olderThan: cutoff, keep: settings.keepEntries)
      if count > 0 { log.info("history pruned", metadata: ["entries": "\(count)"]) }
    } catch {
      log.warning("history cannot be pruned", metadata: ["error": "\(error)"])
    }
  }
}
