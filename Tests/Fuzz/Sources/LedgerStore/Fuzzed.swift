import Foundation
import GRDB
import LedgerKit
import Model

/// Rows whose MAC is right, whoever wrote what is in them: another version, or a hostile message.
package func fuzzLedger(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
    .map { String(decoding: $0, as: UTF8.self) }
  let (json, kind) = (parts[0], parts.count > 1 ? parts[1] : "request")
  let numbers = parts.dropFirst(2).map { Int($0) ?? 0 } + [1, 2]
  let row: Row = [
    "sequence": numbers[0], "at": numbers[1], "kind": kind, "target": parts.last,
    "generation": numbers[0], "pass": numbers[1], "message": kind, "details": json, "mac": "",
  ]
  if let entry = try? EntryRow(row) {
    _ = entry.canonical.json
    _ = Checkpoint(entry.detailsValue).map { $0.count }
    if let shown = try? entry.entry() { _ = "\(shown.at) \(shown.generation ?? 0)" }
    if let request = try? OperatorRequest(entry) {
      _ = try? request.entry(sequence: 1)
      _ = request.verb.words
    }
  }
  let state = StateRow(key: kind, json: json, sequence: numbers[0])
  if let status = try? TargetStatus(state) {
    _ = status.rollout.map { $0.elapsed.text + ($0.of?.text ?? "") }
    _ = status.stacks.map { $0.generation.description }
  }
  let data = Data(json.utf8)
  _ = try? JSONDecoder().decode(StoredFingerprint.self, from: data)
  if let alert = try? JSONDecoder().decode(OutboxAlert.self, from: data) { _ = "\(alert.at)" }
  if let value = try? JSONDecoder().decode(CanonicalValue.self, from: data) {
    let again = try? JSONDecoder().decode(CanonicalValue.self, from: Data(value.json.utf8))
    precondition(again == value, "canonical JSON is read otherwise than written")
  }
}
