package import LedgerKit
package import Model
package import Planning

extension PassState {
  /// Clocks alone are written this seldom: losing a minute of them only keeps things longer.
  static let clockInterval = Duration.seconds(60)

  /// What the ledger must be told of this output, beyond what it knows. Empty on a quiet day.
  package mutating func write(
    for output: PlanningOutput, sources: [SourceName: SourceState], intents: [LedgerEntry],
    at now: Now
  ) throws -> LedgerWrite {
    // The ledger has the clocks that a process begins with: they are written again a minute later.
    let isFirst = clocksWritten == nil
    let written = clocksWritten ?? now
    let isClockDue =
      written.bootID != now.bootID
      || now.elapsed(since: written, limit: .seconds(3600)) >= Self.clockInterval
    if isClockDue || isFirst { clocksWritten = now }
    settle(output)
    var write = adoptions
    for plan in output.plan {
      let old = records[plan.target]?.value
      let isChanged =
        adopters.contains(plan.target)
        || (isClockDue && plan.rest == nil
          ? old != plan.record
          : old?.withoutClocks != plan.record?.withoutClocks)
      if isChanged {
        write.records[plan.target] = .some(plan.record.map { WrittenRecord($0) })
      }
      if statuses[plan.target] != StatusMark(plan.status) {
        write.statuses[plan.target] = .some(plan.shown)
      }
      for (generation, fingerprint) in plan.fingerprints {
        write.fingerprints[StackID(plan.target, generation)] = .some(fingerprint)
      }
      write.entries += plan.entries
      write.alerts += plan.alerts
    }
    let planned = Dictionary(output.plan.map { ($0.target, $0.record) }) { first, _ in first }
    for (target, record) in writeClocks(planned.compactMapValues { $0 }, at: now) {
      write.records[target] = .some(WrittenRecord(record))
    }
    for target in strangers(to: output) { write.statuses[target] = .some(nil) }
    write.entries += intents
    var newRecord = agentRecord
    newRecord.memory = output.memory
    newRecord.sources.merge(sources) { _, new in new }
    note(sources, in: &write, at: now)
    if isFirst || isClockDue || !adoptions.isEmpty
      || newRecord.withoutClocks != agentRecord.withoutClocks
    {
      write.agentRecord = WrittenRecord(newRecord)
    }
    return write
  }

  /// Remembers what the ledger has taken.
  mutating func apply(_ output: PlanningOutput, sequence: Int, sources: [SourceName: SourceState]) {
    lastSequence = max(lastSequence, sequence)
    planned = output.plan.count
    (adoptions, adopters) = (LedgerWrite(), [])
    for target in strangers(to: output) { statuses[target] = nil }
    for plan in output.plan {
      // A target that is gone may let another have its name: all are looked at again.
      if plan.record == nil { reading = nil }
      records[plan.target] = plan.record.map { Shared($0) }
      statuses[plan.target] = plan.shown.map(StatusMark.init)
      // An action that only pauses while something is in flight is not announced anew.
      if !plan.actions.isEmpty { announced[plan.target] = plan.actions.map(\.sentence) }
      for (generation, fingerprint) in plan.fingerprints {
        fingerprints[StackID(plan.target, generation)] = fingerprint
      }
    }
    agentRecord.memory = output.memory
    agentRecord.sources.merge(sources) { _, new in new }
  }

  /// Told in observe mode, never recorded, and no longer declared.
  private func strangers(to output: PlanningOutput) -> Set<TargetID> {
    guard statuses.count > output.plan.count, isWhole else { return [] }
    return Set(statuses.keys).subtracting(output.plan.map(\.target))
  }

  /// What became of each source since the last pass, said once; a held one is an alert.
  private func note(
    _ sources: [SourceName: SourceState], in write: inout LedgerWrite, at now: Now
  ) {
    for (name, state) in sources.sorted(by: { $0.key < $1.key }) {
      let old = agentRecord.sources[name]
      guard old?.commit != state.commit || old?.health != state.health else { continue }
      let commit = state.commit.map { " at commit \($0)" } ?? ""
      let text = "source \(name) is \(state.health.sentence)\(commit)"
      write.entries.append(
        LedgerEntry(at: now.wall, kind: .note, pass: number, message: text))
      guard case .held = state.health else { continue }
      write.alerts.append(
        OutboxAlert(
          key: "source/\(name)/\(Digest.of(text).short)/\(now.wall)", at: now.wall,
          severity: "warning",
          reason: "SourceHeld", message: text))
    }
  }
}

extension AgentRecord {
  fileprivate var withoutClocks: AgentRecord {
    var record = self
    record.memory.clock = nil
    record.memory.removals = record.memory.removals.map { removal in
      var removal = removal
      removal.age = .zero
      return removal
    }
    return record
  }
}
