package import LedgerKit
package import Model
package import Planning

/// What one pass hands to the next; everything in it is in the ledger as well.
package struct PassState: Sendable {
  package var number = 0
  package var lastSequence: Int
  /// Held by reference: the state before is kept until the pass has written its own.
  package var records: [TargetID: Shared<TargetRecord>]
  package var statuses: [TargetID: StatusMark] = [:]
  package var fingerprints: [StackID: Fingerprint]
  package var agentRecord: AgentRecord
  /// The ledger was new or older than the world, and no pass with a complete view has settled it.
  package var isLedgerLost = false
  /// A pass has seen every platform at least once since the start.
  package var hasSeenWorld = false
  package var isNewLedger: Bool
  /// The ledger is older than what was written here last, and not all targets have been told yet.
  package var isOlderLedger: Bool
  /// The intents last written of each target.
  package var announced: [TargetID: [String]] = [:]
  /// When clocks alone were last written.
  package var clocksWritten: Now?
  /// Watched time since the start: what a clock may have counted, had every pass gone over it.
  var watched: Duration = .zero
  var lastPass: Now?
  /// Targets that are at rest, and need not be planned; all others are in `restless`.
  var resting: [TargetID: Resting] = [:]
  var restless: Set<TargetID> = []
  /// On the clock of watched time: nothing at rest is due or has to be written before.
  var nextRest: Duration?
  /// What the last pass has read; nil: the next one plans every target.
  var reading: Reading?
  /// How many targets the last pass has planned.
  package internal(set) var planned = 0
  /// This pass plans every target.
  var isWhole = true
  /// Every pass plans every target: for comparing the two.
  package var plansAll = false
  /// What adoptions of this pass change in the ledger, but for the records of `adopters`.
  var adoptions = LedgerWrite()
  /// Targets that go on with another's record: it is written whatever the pass decides.
  var adopters: Set<TargetID> = []

  /// Errors: a record that cannot be decoded counts as a damaged ledger.
  package init(_ contents: LedgerContents) throws(LedgerError) {
    do {
      records = try contents.records.mapValues {
        var record = try CanonicalJSON.value(TargetRecord.self, from: $0)
        // S16: time while nobody watched counts for nothing.
        record.clock = nil
        return Shared(record)
      }
      agentRecord =
        try contents.agentRecord.map {
          try CanonicalJSON.value(AgentRecord.self, from: $0)
        } ?? AgentRecord()
    } catch {
      throw .damaged("a record cannot be read: \(error)")
    }
    lastSequence = contents.lastSequence
    fingerprints = contents.fingerprints
    // One in which no pass has written anything yet is as good as new, whoever made it.
    isNewLedger = contents.isNew || contents.agentRecord == nil
    isOlderLedger = contents.isOlder
  }

  /// Compares the ledger with the world, once per start, as soon as every platform has answered.
  /// `isObserving`: nothing that this pass finds is remembered. `isSettled`: listings show all that the
  /// process before this one has asked for.
  package mutating func judgeLedger(
    _ platforms: [Observed<LiveState>], isObserving: Bool, isSettled: Bool = true
  ) {
    guard !hasSeenWorld else { return }
    let stacks = platforms.compactMap(\.value).flatMap(\.stacks)
    let newest = stacks.map(\.certificate.ledgerSequence).max() ?? 0
    let known = max(lastSequence, agentRecord.worldSequence)
    isLedgerLost = (isNewLedger && !stacks.isEmpty) || isOlderLedger || newest > known
    hasSeenWorld = isSettled && platforms.allSatisfy { $0.value != nil }
    if hasSeenWorld, !isObserving {
      agentRecord.worldSequence = max(newest, agentRecord.worldSequence)
    }
  }
}

extension PassState {
  /// What was recorded under a name that is given up goes on under the name of today.
  package mutating func adopt(_ renames: Renames, at now: Now) {
    if renames.heirs != agentRecord.memory.heirs ?? [:] {
      agentRecord.memory.heirs = renames.heirs
    }
    guard !renames.adopted.isEmpty else { return }
    adopters = Set(renames.adopted.values)
    for (stack, fingerprint) in fingerprints {
      guard let new = renames.adopted[stack.target] else { continue }
      let today = StackID(new, stack.generation)
      fingerprints[stack] = nil
      fingerprints[today] = fingerprint
      adoptions.fingerprints[stack] = .some(nil)
      adoptions.fingerprints[today] = .some(fingerprint)
    }
    for (old, new) in renames.adopted.sorted(by: { $0.key < $1.key }) {
      resting[old] = nil
      restless.remove(old)
      if var record = records.removeValue(forKey: old)?.value {
        agentRecord.memory.forgotten[old] = record.nextGeneration
        let own = records[new]?.nextGeneration ?? agentRecord.memory.forgotten[new] ?? 1
        record.nextGeneration = max(record.nextGeneration, own)
        record.isPaused = record.isPaused || records[new]?.isPaused == true
        record.removal = nil
        if record.hold?.reason == .removal { record.hold = nil }
        records[new] = Shared(record)
        adoptions.records[old] = .some(nil)
      }
      agentRecord.memory.removals.removeAll { $0.target == old }
      statuses[old] = nil
      announced[old] = nil
      adoptions.statuses[old] = .some(nil)
      adoptions.entries += [
        LedgerEntry(
          at: now.wall, kind: .decision, target: old, pass: number,
          message: "it is called \(new) from now on"),
        LedgerEntry(
          at: now.wall, kind: .decision, target: new, pass: number,
          message: "goes on with stacks and route of \(old), which keep that name"),
      ]
    }
  }
}

extension TargetRecord {
  /// The record with its clocks at zero: equal for two records between which only time passed.
  var withoutClocks: TargetRecord {
    var record = self
    record.clock = nil
    record.stacks = stacks.mapValues { stack in
      var stack = stack
      stack.inRole = .zero
      stack.sinceTraffic = stack.sinceTraffic.map { _ in .zero }
      stack.absentFor = stack.absentFor.map { _ in .zero }
      stack.belowFloor = stack.belowFloor.map { _ in .zero }
      stack.sinceLaunchTaken = stack.sinceLaunchTaken.map { _ in .zero }
      stack.backOff = stack.backOff?.withoutClock
      return stack
    }
    record.drift = drift.mapValues { drift in
      var drift = drift
      drift.seenFor = .zero
      return drift
    }
    record.breaker.quiet = .zero
    record.breaker.replacements = breaker.replacements.map { _ in .zero }
    record.route.sinceWrite = route.sinceWrite.map { _ in .zero }
    record.route.repairs = route.repairs.map { _ in .zero }
    record.sinceStackAction = sinceStackAction.map { _ in .zero }
    record.spent = .zero
    record.backOffs = backOffs.mapValues(\.withoutClock)
    return record
  }
}

extension BackOff {
  /// Waiting or not, whatever is left of the time.
  fileprivate var withoutClock: BackOff {
    var backOff = self
    backOff.remaining = min(remaining, .nanoseconds(1))
    return backOff
  }
}
