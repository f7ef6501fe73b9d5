import LedgerKit
import Model

/// Live differs from what was launched: say so, and replace it once it lasted.
extension TargetPass {
  /// Compares what serves or may serve again, each stack once a pass, and lets findings grow older.
  mutating func watchDrift() {
    let roles: [StackRole] = [.stable, .draining, .warm]
    let watched = record.stacks.keys.filter {
      record.stacks[$0].map { roles.contains($0.role) } == true
    }
    for generation in record.drift.keys where !watched.contains(generation) {
      record.drift[generation] = nil
    }
    guard isKnown else { return }
    for generation in watched.sorted() where findings[generation] == nil { compare(generation) }
  }

  /// Once a pass: the time without drift, which closes the breaker.
  mutating func passQuietTime() {
    guard record.breaker.isOpen, isKnown else { return }
    let hasDrift = record.stable.map { record.drift[$0] != nil } ?? false
    record.breaker.quiet = hasDrift ? .zero : record.breaker.quiet + elapsed
  }

  private mutating func compare(_ generation: Generation) {
    guard isComplete(generation), let report = input.whole.inspections[generation] else { return }
    let name = name(of: generation)
    guard case .known(let inspection) = report.result else {
      // Nothing of it could be read: what was found before stands, and nothing is in sync.
      findings[generation] = [.unread(name, report.result)]
      return
    }
    let all = DriftComparison.findings(
      inspection, against: input.whole.fingerprints[generation],
      ignoring: spec?.drift.ignore ?? [], stack: name)
    findings[generation] = all
    let real = all.filter { $0.word != .notChecked }
    let old = record.drift[generation]
    guard !real.isEmpty else {
      // What cannot be read now may still be wrong.
      if let old, !all.contains(where: { isSame($0, old.findings) }) {
        record.drift[generation] = nil
        record.stacks[generation]?.hasDrifted = false
        if old.isAlerted { say(.finding, generation, "the drift of \(generation) is gone") }
      }
      return
    }
    let lasts = old.map { old in real.contains { isSame($0, old.findings) } } ?? false
    record.drift[generation] = DriftClock(
      findings: Array(real.prefix(100)), seenFor: lasts ? (old?.seenFor ?? .zero) + elapsed : .zero,
      isAlerted: lasts && (old?.isAlerted ?? false) && old?.paths == DriftClock.paths(real))
  }

  private func isSame(_ finding: Finding, _ others: [Finding]) -> Bool {
    others.contains { $0.resource == finding.resource && $0.path == finding.path }
  }

  /// Findings that lasted are told, and stable is replaced.
  mutating func reactToDrift() {
    watchDrift()
    guard isKnown, !isRemovalAllowed else { return }
    tellLoss()
    for generation in record.drift.keys.sorted() {
      guard let drift = record.drift[generation], hasLasted(generation, drift) else { continue }
      if generation != record.stable {
        record.stacks[generation]?.hasDrifted = true
      }
      guard !drift.isAlerted else { continue }
      record.drift[generation]?.isAlerted = true
      let text = drift.findings.prefix(3).map(\.description).joined(separator: "; ") + again(drift)
      say(.finding, generation, "\(generation) has drifted: \(text)")
      let digest = Digest.of(drift.paths.joined(separator: "\n")).short
      alert(.driftDetected, .warning, about: "\(generation)-\(digest)", "\(id): \(text)")
    }
  }

  /// The stack that drifted is replaced: should its successor change in the same way, somebody keeps doing that.
  mutating func rememberChanges() {
    guard let stable = record.stable, let drift = record.drift[stable] else { return }
    for change in drift.findings.prefix(20).map(\.change) {
      record.breaker.changes = (record.breaker.changes ?? [:])
        .merging([change: 1], uniquingKeysWith: +)
    }
  }

  /// `; the same was done 2 times before, and replaced: something outside keeps doing it`.
  private func again(_ drift: DriftClock) -> String {
    let times = drift.findings.compactMap { record.breaker.changes?[$0.change] }.max() ?? 0
    guard times > 0 else { return "" }
    let often = times == 1 ? "once" : "\(times) times"
    return "; the same was done \(often) before, and replaced: something outside keeps doing it"
  }

  /// What serves is gone, or does not answer any more: somebody has to know.
  private mutating func tellLoss() {
    let name = record.stable.map(name(of:)) ?? ""
    switch stableState {
    case .none, .serving:
      forgetAlerts(.stackLost)
      forgetAlerts(.unhealthy)
    case .lost(let reason):
      let text =
        stacks.keys.contains { $0 == record.stable } ? reason : "DELETED \(name): \(reason)"
      if alertOnce(.stackLost, .error, about: name, "\(id): \(text)") {
        say(.finding, record.stable, text)
      }
    case .ailing(let reason):
      if alertOnce(.unhealthy, .error, about: name, "\(id): \(reason)") {
        say(.finding, record.stable, reason)
      }
    }
  }

  private func hasLasted(_ generation: Generation, _ drift: DriftClock) -> Bool {
    let debounce = spec?.drift.debounce ?? .seconds(30)
    guard drift.seenFor >= debounce else { return false }
    // Read at least once more since it was first seen.
    guard let age = input.whole.inspections[generation]?.age else { return false }
    return debounce == .zero || age < drift.seenFor
  }

  /// Why stable has to be replaced: its drift lasted, and the policy says so.
  var replaceableDrift: String? {
    guard let stable = record.stable, let drift = record.drift[stable], hasLasted(stable, drift)
    else { return nil }
    let text = drift.findings.first.map(\.description) ?? "it differs"
    return "\(stable) has drifted: \(text)"
  }
}

extension Finding {
  /// What was done, whichever stack it was done to.
  fileprivate var change: String {
    let kind = resource.split(separator: " ").dropFirst().joined(separator: " ")
    return "\(word.rawValue) \(kind) \(path) \(actual ?? "")"
  }

  /// Nothing of a stack or route could be read.
  static func unread(_ resource: String, _ value: Observed<some Hashable & Codable & Sendable>)
    -> Finding
  {
    var reason: String?
    if case .unknown(let text) = value { reason = text }
    return Finding(word: .notChecked, resource: resource, path: "", actual: reason)
  }
}

extension DriftClock {
  var paths: [String] { Self.paths(findings) }

  static func paths(_ findings: [Finding]) -> [String] {
    findings.prefix(100).map { "\($0.word.rawValue) \($0.resource) \($0.path)" }
  }
}
