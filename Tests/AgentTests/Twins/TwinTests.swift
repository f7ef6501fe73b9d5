import Agent
import Foundation
import LedgerKit
import Model
import Planning
import Support
import Testing

private let seeds = Int(ProcessInfo.processInfo.environment["VIRIDIAN_WALKS"] ?? "") ?? 6

/// Two agents live through the same history, one of which plans every target in every pass: what
/// they write must be the same in each pass.
@Suite struct TwinTests {
  @Test(arguments: 0..<6) func `nobody can tell whether a target was planned`(
    _ group: Int
  ) async throws {
    var (some, all) = (0, 0)
    for seed in stride(from: group, to: max(24, seeds), by: 6) {
      let planned = try await live(through: UInt64(seed))
      (some, all) = (some + planned.some, all + planned.all)
    }
    #expect(some * 4 < all * 3, "of \(all) plans \(some) were made: hardly anything was left out")
  }

  /// How many targets either agent has planned.
  private func live(through seed: UInt64) async throws -> (some: Int, all: Int) {
    let twins = [try await TwinAgent(plansAll: false), try await TwinAgent(plansAll: true)]
    var story = TwinStory(seed: seed)
    var (some, all) = (0, 0)
    for number in 0..<160 {
      // Long enough without events for what was begun to end.
      let event =
        number % 60 < 25 ? story.event() : number % 60 < 28 ? story.end(of: number % 60 - 25) : nil
      let time = story.time()
      for twin in twins { try await story.tell(event, to: twin) }
      var writes: [LedgerWrite?] = []
      for twin in twins { writes.append(try await twin.pass(after: time)) }
      let difference = difference(writes[0], writes[1])
      #expect(
        difference.isEmpty, "seed \(seed), pass \(number), \(event ?? "quiet"): \(difference)")
      guard difference.isEmpty else { break }
      some += twins[0].state.planned
      all += twins[1].state.planned
    }
    #expect(twins[0].state.statuses == twins[1].state.statuses)
    return (some, all)
  }

  private func difference(_ a: LedgerWrite?, _ b: LedgerWrite?) -> String {
    let (a, b) = (a ?? LedgerWrite(), b ?? LedgerWrite())
    let (mine, others) = (a.records.mapValues(text), b.records.mapValues(text))
    if mine != others, let wrong = firstDifference(read(mine), read(others)) {
      return "record \(wrong)"
    }
    if let wrong = firstDifference(a.statuses, b.statuses) { return "status \(wrong)" }
    if a.entries != b.entries { return "entries: \(a.entries) or \(b.entries)" }
    if a.alerts != b.alerts { return "alerts: \(a.alerts) or \(b.alerts)" }
    if a.fingerprints != b.fingerprints { return "fingerprints" }
    return text(a.agentRecord) == text(b.agentRecord) ? "" : "the agent's own record"
  }

  private func text(_ record: WrittenRecord?) -> String? {
    record.map { record in
      do {
        return try record.text()
      } catch {
        return "\(error)"
      }
    }
  }

  /// As values: the text of a dictionary by digest has no order.
  private func read(_ records: [TargetID: String?]) -> [TargetID: TargetRecord?] {
    records.mapValues { text in
      guard let text else { return nil }
      do {
        return try JSONDecoder().decode(TargetRecord.self, from: Data(text.utf8))
      } catch {
        Issue.record("not a record: \(text)")
        return nil
      }
    }
  }

  private func firstDifference<Value: Equatable>(
    _ a: [TargetID: Value], _ b: [TargetID: Value]
  ) -> String? {
    let keys = Set(a.keys).union(b.keys).sorted()
    return keys.first { a[$0] != b[$0] }.map {
      "\($0): \(String(describing: a[$0])) or \(String(describing: b[$0]))"
    }
  }
}
