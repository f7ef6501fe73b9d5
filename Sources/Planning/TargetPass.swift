import LedgerKit
import Model

/// One target in one pass: what was read, and what the steps have decided so far.
///
/// Steps are its methods, one file each below `Steps`. They change the record alone, and may be
/// repeated until nothing changes; the one action is chosen at the end (`ChooseAction.swift`).
struct TargetPass {
  let input: Input
  var facts: PassFacts
  var record: TargetRecord
  /// By generation, of the listing; empty when it is unknown.
  let stacks: [Generation: StackObservation]
  /// Accumulated time since the last pass.
  let elapsed: Duration
  var actions: [Action] = []
  var entries: [LedgerEntry] = []
  var alerts: [OutboxAlert] = []
  var fingerprints: [Generation: Fingerprint?] = [:]
  /// Why things are done or not done; of the last round of steps.
  var notes: [String] = []
  /// Findings of each stack in this pass.
  var findings: [Generation: [Finding]] = [:]
  /// A launch that waits only for its turn among all targets (S8).
  var wish: LaunchWish?
  /// Why it has no turn among the targets of its environment.
  var fullWave: String?
  /// The turn was given.
  var mayLaunch = false
  /// Why the targets that this one depends on are not ready.
  var dependency: String?
  /// What it knows of the others of its release; nil: it is on the way with nobody.
  var party: ReleaseParty?
  /// The last bake of its rollout is over, and only its release group is left to wait for.
  var hasFinished = false
  /// Another target has the same stack names, or another source declares it, too.
  var clash: String?
  /// Why its removal is held.
  var heldRemoval: String?
  /// A person accepts the world, whatever a lost ledger would make of it.
  var isAdoptionAsked = false
  /// Nothing of this target has to be remembered any more.
  var isForgotten = false

  init(_ input: TargetInput, _ facts: PassFacts, nextGeneration: Generation) {
    self.input = Input(input)
    self.facts = facts
    record = input.record ?? TargetRecord(nextGeneration: nextGeneration)
    elapsed = facts.elapsed(since: input.record?.clock)
    let all = (input.stacks.value ?? []).map { ($0.id.generation, $0) }
    stacks = Dictionary(all) { first, _ in first }
  }

  /// Everything that was read. Held by reference: a pass is copied often, and this never changes.
  final class Input: Sendable {
    let whole: TargetInput
    /// `whole.desired.target`, which is asked for all the time.
    let target: DesiredTarget?
    init(_ whole: TargetInput) {
      self.whole = whole
      target = whole.desired.target
    }
  }

  var id: TargetID { input.whole.id }

  // MARK: - Saying

  mutating func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  /// For the history: said once, when it is decided.
  mutating func say(
    _ kind: LedgerEntry.Kind = .decision, _ generation: Generation? = nil, _ message: String
  ) {
    entries.append(
      LedgerEntry(
        at: facts.now.wall, kind: kind, target: id, generation: generation, message: message))
  }

  /// `subject`: with the reason and this moment it makes the key. What repeats an alert, such as a
  /// second delivery, has the same key; what happens again has another one.
  mutating func alert(
    _ reason: AlertReason, _ severity: AlertSeverity, about subject: String, _ message: String
  ) {
    alerts.append(
      OutboxAlert(
        key: "\(id)/\(subject)/\(reason.rawValue)/\(facts.now.wall)", at: facts.now.wall,
        target: id,
        severity: severity.rawValue, reason: reason.rawValue, message: message))
  }

  /// For something that lasts: alerts when it begins, once.
  @discardableResult
  mutating func alertOnce(
    _ reason: AlertReason, _ severity: AlertSeverity, about subject: String, _ message: String
  ) -> Bool {
    let key = "\(reason.rawValue) \(subject)"
    guard !record.alerted.contains(key) else { return false }
    record.alerted = (record.alerted + [key]).sorted()
    alert(reason, severity, about: subject, message)
    return true
  }

  /// It no longer lasts.
  mutating func forgetAlerts(_ reason: AlertReason, except subjects: [String] = []) {
    record.alerted.removeAll { key in
      key.hasPrefix("\(reason.rawValue) ")
        && !subjects.contains { key == "\(reason.rawValue) \($0)" }
    }
  }
}

enum AlertReason: String {
  case approvalNeeded = "ApprovalNeeded"
  case rolloutCompleted = "RolloutCompleted"
  case rolloutFailed = "RolloutFailed"
  case rolledBack = "RolledBack"
  case driftDetected = "DriftDetected"
  case driftReplaced = "DriftReplaced"
  case breakerOpen = "BreakerOpen"
  case held = "Held"
  case removalHeld = "RemovalHeld"
  case routeRepaired = "RouteRepaired"
  case unclaimed = "Unclaimed"
  case stuck = "Stuck"
  case stackLost = "StackLost"
  case unhealthy = "Unhealthy"
  case freezeOverridden = "FreezeOverridden"
}

enum AlertSeverity: String {
  case info, warning, error
}

/// What a launch is wanted for, before its turn.
struct LaunchWish: Hashable {
  var cause: RolloutMachine.Cause
}
