import Foundation
import GRDB
import LedgerKit
import Model

extension OperatorRequest {
  /// The request as an entry of the history; it is stored nowhere else.
  func entry(sequence: Int) throws -> LedgerEntry {
    var stored = self
    stored.sequence = sequence
    let json = try Commit.json(stored)
    let details = try JSONDecoder().decode(CanonicalValue.self, from: Data(json.utf8))
    let why = reason.map { ": \($0)" } ?? ""
    return LedgerEntry(
      at: at, kind: .request, target: verb.target, message: "\(by) asked: \(verb.words)\(why)",
      details: details)
  }

  init(_ row: EntryRow) throws {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data((row.details ?? "").utf8))
      sequence = row.sequence
    } catch {
      throw LedgerError.damaged("the request \(row.sequence) cannot be read: \(error)")
    }
  }
}

extension OperatorRequest.Verb {
  var target: TargetID? {
    switch self {
    case .pause(let target), .resume(let target), .adopt(let target): target
    case .abort(let target), .retry(let target), .release(let target, _): target
    case .approve(let target), .approveFreeze(let target), .advance(let target, _): target
    case .approveRemoval: nil
    }
  }

  var words: String {
    let place = target.map { "\($0)" } ?? "all targets"
    return switch self {
    case .pause: "pause \(place)"
    case .resume: "resume \(place)"
    case .adopt: "adopt \(place)"
    case .abort: "abort \(place)"
    case .retry: "retry \(place)"
    case .release(_, let digest): "release \(place)" + (digest.map { " \($0.short)" } ?? "")
    case .approve: "approve the next step of \(place)"
    case .approveFreeze: "let \(place) through its freeze window"
    case .advance(_, let isFull): "advance \(place)" + (isFull ? " to its last step" : "")
    case .approveRemoval(let commit): "approve the removals of commit \(commit.short)"
    }
  }
}

extension HistoryQuery {
  func statement(largestPage: Int) -> (sql: String, arguments: StatementArguments) {
    var conditions = ["sequence > ?"]
    var arguments: StatementArguments = [after]
    if let before {
      conditions.append("sequence < ?")
      arguments += [before]
    }
    if let target {
      conditions.append("target = ?")
      arguments += ["\(target)"]
    }
    if !kinds.isEmpty {
      let marks = Array(repeating: "?", count: kinds.count).joined(separator: ",")
      conditions.append("kind IN (\(marks))")
      arguments += StatementArguments(kinds.map(\.rawValue))
    }
    // A negative LIMIT would mean no limit to SQLite.
    let rows = max(0, min(limit, largestPage))
    let sql = """
      SELECT \(EntryRow.columns) FROM entry WHERE \(conditions.joined(separator: " AND ")) \
      ORDER BY sequence DESC LIMIT \(rows)
      """
    return (sql, arguments)
  }
}

extension TargetStatus {
  /// A status that another version wrote is shown as unknown until the next pass writes it anew.
  init(_ row: StateRow) throws {
    do {
      self = try CanonicalJSON.value(Self.self, from: row.json)
    } catch {
      guard let target = TargetID(parsing: row.key) else {
        throw LedgerError.damaged("the status \(row.key) names no target")
      }
      let message = "another version of Viridian wrote this status; the next pass replaces it"
      let condition = Condition(
        type: .ready, status: false, reason: "StatusUnreadable", message: message)
      self.init(target: target, conditions: [condition])
    }
  }
}
