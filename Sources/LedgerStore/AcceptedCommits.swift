import GRDB
import LedgerKit
import Model

/// The newest accepted commit of each source, as the agent's record tells: all that readers of
/// statuses need of it. One row says it for thousands of targets.
struct AcceptedCommits {
  private struct Record: Decodable {
    struct Source: Decodable { var commit: CommitID? }
    var sources: [SourceName: Source]
  }

  private var commits: [SourceName: CommitID] = [:]

  init(_ db: Database) throws {
    let sql = "SELECT json FROM agent WHERE key = 'agent'"
    guard let json = try String.fetchOne(db, sql: sql) else { return }
    do {
      commits = try CanonicalJSON.value(Record.self, from: json).sources
        .compactMapValues(\.commit)
    } catch is DecodingError {
      // Of another version: each status then tells the commit that it was written with.
    }
  }

  /// The status as readers are given it.
  func told(_ status: TargetStatus) -> TargetStatus {
    var told = status
    if status.followsSource == true, let source = status.source, let newest = commits[source] {
      told.desiredCommit = newest
    }
    told.followsSource = nil
    return told
  }
}
