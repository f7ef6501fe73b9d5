import Model
import PlatformKit

/// Plays one trick on the agent's readings, or writes down what there was to read.
package struct Sieve {
  package var trick: Trick?
  /// Writes down every state and every reading; slow.
  var isWatching = false
  var record = Record()
  /// When the trick was first played, and the step of the first target's rollout then.
  package private(set) var played: (at: Moment, step: String)?
  private var counts: [Reading: Int] = [:]
  /// Readings of the trick's kind by the process that began after the trick's death.
  private var afterDeath = 0
  fileprivate var undo: (() -> Void)?

  /// What the reading that begins now is to be.
  fileprivate enum Play {
    case honest
    case die
    case show(View)
    case fail
    case change(Trick.Kind)
    case hide(Hidden)
  }

  fileprivate mutating func play(_ reading: Reading) -> (number: Int, play: Play) {
    counts[reading, default: 0] += 1
    let number = counts[reading] ?? 1
    guard let trick, trick.reading == reading else { return (number, .honest) }
    switch trick.kind {
    case .stale(let view):
      let isDue = (trick.number..<trick.number + trick.times).contains(number)
      return (number, isDue ? .show(view) : .honest)
    case .staleAfterDeath(let view):
      guard number > trick.number else { return (number, number == trick.number ? .die : .honest) }
      afterDeath += 1
      return (number, afterDeath <= trick.times ? .show(view) : .honest)
    case .restored: return (number, number == trick.number ? .die : .honest)
    case .failing: return (number, number == trick.number ? .fail : .honest)
    case .partlyUnknown, .missing:
      return (number, number == trick.number ? .change(trick.kind) : .honest)
    case .hidden(let event): return (number, number == trick.number ? .hide(event) : .honest)
    }
  }

  fileprivate mutating func noted(_ now: Moment, _ step: String) {
    played = played ?? (now, step)
  }
}

extension Simulation {
  /// One reading of the agent: what is there, or what the trick makes of it.
  ///
  /// `value`: the part of a view that is read.
  func read<Value>(
    _ reading: Reading, _ part: (View) -> Value, by life: Life,
    _ value: @autoclosure () throws(PlatformError) -> Value
  ) throws(PlatformError) -> Value {
    guard sieve.isWatching || sieve.trick != nil else { return try value() }
    if sieve.trick?.reading == reading { undoHidden() }
    let (number, play) = sieve.play(reading)
    if sieve.isWatching {
      sieve.record.watch(view)
      if !isHealthy { sieve.record.look(reading, number, at: now) }
    }
    if case .honest = play { return try value() }
    played()
    switch play {
    case .honest: return try value()
    case .show(let view): return part(view)
    case .fail: throw .transient("the reading failed")
    case .die:
      life.kill()
      if case .restored(let view)? = sieve.trick?.kind { restore(view.ledger) }
      throw .transient("the process is dead")
    case .change(let kind):
      var changed = view
      changed.spoil(reading, kind)
      return part(changed)
    case .hide(let event):
      let value = try value()
      sieve.undo = hide(event)
      return value
    }
  }

  /// What has happened and is to be hidden has not happened, from now on.
  func undoHidden() {
    guard let undo = sieve.undo else { return }
    sieve.undo = nil
    undo()
    note("sieve", "undone")
  }

  /// What has no state of its own to be read.
  func read(_ reading: Reading, by life: Life) throws(PlatformError) {
    _ = try read(reading, { $0.at }, by: life, now)
  }

  private func played() {
    oracle.blindAt = now
    guard let trick = sieve.trick else { return }
    note("sieve", "\(trick)")
    guard let target = schedule.setup.targets.first?.target else { return }
    sieve.noted(now, Coverage.steps[Coverage.step(disk.ledger.statuses[target])])
    cover(trick.name, target)
  }

  private func restore(_ ledger: LedgerFile) {
    if disk.restore(ledger) { oracle.ledgerWasLost() }
  }
}

extension View {
  /// One thing in it is unknown, or not there at all.
  fileprivate mutating func spoil(_ reading: Reading, _ kind: Trick.Kind) {
    let isSaid = if case .partlyUnknown = kind { true } else { false }
    switch reading {
    case .listing:
      if let last = listing.stacks.indices.last { listing.stacks.remove(at: last) }
    case .routes:
      guard let target = routes.keys.min() else { return }
      routes[target] = isSaid ? .unknown(reason: "one worker does not answer") : nil
    case .inspection:
      for stack in inspections.keys {
        for field in inspections[stack]?.declared.keys ?? [:].keys {
          inspections[stack]?.readings[field] =
            isSaid ? .unreadable(reason: "input/output error") : .absent
        }
      }
    case .source, .artifact, .secret, .ledger, .requests, .probe: break
    }
  }
}
