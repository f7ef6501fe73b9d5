package import Model
package import Planning
package import PlatformKit

/// What the probes of all stacks have shown: a value that turns results into reports.
package struct ProbeBook: Sendable {
  /// A stack that is probed: restarted instances and moved endpoints begin anew.
  package struct Key: Hashable, Sendable {
    package var stack: StackID
    package var launch: String
    package init(stack: StackID, launch: String) {
      self.stack = stack
      self.launch = launch
    }
  }

  fileprivate struct Record {
    var endpoint: Endpoint?
    var consecutivePasses = 0
    var isPassing = false
    var at: Now
    /// Of the result that it was taken from, where a platform numbers them.
    var serial: Int?
    /// Since when it has passed often enough.
    var provenSince: Now?
  }

  fileprivate struct Stack {
    var gate: HealthGate
    var instances: [Int: Record] = [:]
    var lastFailure: String?
    /// What was last seen of it but for ages, and since which revision.
    var seen: ProbeReport.Seen?
    var revision = 0
  }

  private var stacks: [Key: Stack] = [:]
  private var revision = 0
  /// Stacks that a probe may have shown otherwise than they were last seen.
  private var unseen: Set<Key> = []
  /// On the boot clock: none of what is fresh gets too old before; nil: nobody has looked yet.
  private var freshUntil: (bootID: String, sinceBoot: Duration)?

  package init() {}

  /// Forgets stacks that are no longer observed.
  package mutating func keep(_ keys: Set<Key>) {
    forget(stacks.keys.filter { !keys.contains($0) })
  }

  package mutating func forget(_ keys: [Key]) {
    for key in keys {
      stacks[key] = nil
      unseen.remove(key)
    }
  }

  /// Records one probe's end; `failure` nil means that it passed. The answer is whether it may have
  /// shown something else than the one before: most do not.
  @discardableResult
  package mutating func record(
    _ key: Key, gate: HealthGate, instance: Int, endpoint: Endpoint?, failure: String?, at now: Now
  ) -> Bool {
    enter(key, gate, instance, endpoint, failure, at: now)
  }

  /// Records what a platform's own run of the check showed, as of that run's end: the same result
  /// counts once, and what passed in a row is what the platform has seen pass in a row.
  @discardableResult
  package mutating func record(
    _ result: CheckResult, of key: Key, gate: HealthGate, at now: Now
  ) -> Bool {
    let known = stacks[key]?.instances[result.instance]?.serial
    guard known.map({ $0 < result.serial }) ?? true else { return false }
    var end = now
    end.sinceBoot -= result.age
    return enter(key, gate, result.instance, nil, result.failure, at: end, of: result)
  }

  private mutating func enter(
    _ key: Key, _ gate: HealthGate, _ instance: Int, _ endpoint: Endpoint?, _ failure: String?,
    at now: Now, of result: CheckResult? = nil
  ) -> Bool {
    var stack = stacks.removeValue(forKey: key) ?? Stack(gate: gate)
    var record = stack.instances[instance] ?? Record(endpoint: endpoint, at: now)
    if record.endpoint != endpoint {
      record = Record(endpoint: endpoint, at: now)
    }
    let wasProven = record.provenSince != nil
    let wasFresh =
      record.at.bootID == now.bootID
      && now.elapsed(since: record.at, limit: .seconds(86_400)) <= stack.freshness
    let wasPassing = record.isPassing && wasFresh
    // Two passes between which nobody has looked are not in a row: it may have died and started anew.
    let isInARow = wasFresh || endpoint == nil
    record.isPassing = failure == nil
    record.consecutivePasses = failure == nil ? (isInARow ? record.consecutivePasses : 0) + 1 : 0
    if let result { record.consecutivePasses = result.passes }
    record.serial = result?.serial
    record.at = now
    if record.consecutivePasses < gate.healthyAfter {
      record.provenSince = nil
    } else if record.provenSince == nil {
      record.provenSince = now
    }
    stack.instances[instance] = record
    if let failure { stack.lastFailure = "instance \(instance): \(failure)" }
    let isAsBefore =
      failure == nil && wasPassing && wasProven == (record.provenSince != nil)
      && stack.seen != nil
    stacks[key] = stack
    if !isAsBefore { unseen.insert(key) }
    return !isAsBefore
  }

  /// Forgets instances that are gone, so that a lost one never counts as healthy.
  package mutating func keep(instances: Set<Int>, of key: Key) {
    guard var stack = stacks[key], !Set(stack.instances.keys).isSubset(of: instances) else {
      return
    }
    stack.instances = stack.instances.filter { instances.contains($0.key) }
    stacks[key] = stack
    unseen.insert(key)
  }

  /// Something of it was started again: what is healthy stays so, and has to prove itself anew.
  package mutating func beginStreaks(of key: Key) {
    guard var stack = stacks[key] else { return }
    for instance in stack.instances.keys {
      stack.instances[instance]?.consecutivePasses = 0
      stack.instances[instance]?.provenSince = nil
    }
    stacks[key] = stack
    unseen.insert(key)
  }

  /// nil when no probe of the stack has ended yet.
  package func report(_ key: Key, at now: Now) -> ProbeReport? {
    stacks[key]?.report(at: now)
  }

  /// Stacks of which something else than an age differs from what it was at `revision`, and the
  /// revision of now.
  package mutating func changes(
    since revision: Int, at now: Now
  ) -> (stacks: [StackID], revision: Int) {
    if let freshUntil, freshUntil.bootID == now.bootID, now.sinceBoot < freshUntil.sinceBoot {
      look(at: unseen, at: now)
    } else {
      freshUntil = (now.bootID, .seconds(Int64.max / 2))
      look(at: Set(stacks.keys), at: now)
    }
    unseen = []
    guard revision < self.revision else { return ([], self.revision) }
    return (stacks.filter { $0.value.revision > revision }.map(\.key.stack), self.revision)
  }

  private mutating func look(at keys: Set<Key>, at now: Now) {
    for key in keys {
      guard let stack = stacks[key] else { continue }
      let seen = stack.report(at: now)?.seen(by: stack.gate)
      if seen != stack.seen {
        revision += 1
        stacks[key]?.seen = seen
        stacks[key]?.revision = revision
      }
      guard let old = freshUntil, let end = stack.freshUntil(at: now) else { continue }
      freshUntil = (old.bootID, min(old.sinceBoot, end))
    }
  }
}

extension ProbeBook.Stack {
  /// nil when no probe of it has ended yet.
  fileprivate func report(at now: Now) -> ProbeReport? {
    guard !instances.isEmpty else { return nil }
    let fresh = freshness
    let day = Duration.seconds(86_400)
    var report = ProbeReport(healthy: 0, proven: 0, age: .zero, provenFor: day)
    for instance in instances.values {
      let age = now.elapsed(since: instance.at, limit: day)
      report.age = max(report.age, age)
      guard instance.isPassing, age <= fresh else { continue }
      report.healthy += 1
      guard let since = instance.provenSince else { continue }
      report.proven += 1
      report.provenFor = min(report.provenFor, now.elapsed(since: since, limit: day))
    }
    if report.proven == 0 { report.provenFor = .zero }
    report.lastFailure = lastFailure
    return report
  }

  /// Two periods: one probe may be under way (S1's G).
  fileprivate var freshness: Duration { gate.interval * 2 + gate.timeout }

  /// On the boot clock: until when each probe that is fresh now stays so; nil: none is.
  fileprivate func freshUntil(at now: Now) -> Duration? {
    instances.values.lazy.filter { $0.at.bootID == now.bootID }
      .map { $0.at.sinceBoot + freshness }.filter { $0 >= now.sinceBoot }.min()
  }
}
