package import Model
package import Planning

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

  package init() {}

  /// Forgets stacks that are no longer observed.
  package mutating func keep(_ keys: Set<Key>) {
    stacks = stacks.filter { keys.contains($0.key) }
  }

  /// Records one probe's end; `failure` nil means that it passed.
  package mutating func record(
    _ key: Key, gate: HealthGate, instance: Int, endpoint: Endpoint?, failure: String?, at now: Now
  ) {
    var stack = stacks[key] ?? Stack(gate: gate)
    var record = stack.instances[instance] ?? Record(endpoint: endpoint, at: now)
    if record.endpoint != endpoint {
      record = Record(endpoint: endpoint, at: now)
    }
    record.isPassing = failure == nil
    record.consecutivePasses = failure == nil ? record.consecutivePasses + 1 : 0
    record.at = now
    if record.consecutivePasses < gate.healthyAfter {
      record.provenSince = nil
    } else if record.provenSince == nil {
      record.provenSince = now
    }
    stack.instances[instance] = record
    if let failure { stack.lastFailure = "instance \(instance): \(failure)" }
    stacks[key] = stack
  }

  /// Forgets instances that are gone, so that a lost one never counts as healthy.
  package mutating func keep(instances: Set<Int>, of key: Key) {
    guard var stack = stacks[key], !Set(stack.instances.keys).isSubset(of: instances) else {
      return
    }
    stack.instances = stack.instances.filter { instances.contains($0.key) }
    stacks[key] = stack
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
    var changed: [StackID] = []
    for index in stacks.indices {
      let stack = stacks.values[index]
      let seen = stack.report(at: now)?.seen(by: stack.gate)
      if seen != stack.seen {
        self.revision += 1
        stacks.values[index].seen = seen
        stacks.values[index].revision = self.revision
      }
      if stacks.values[index].revision > revision { changed.append(stacks.keys[index].stack) }
    }
    return (changed, self.revision)
  }
}

extension ProbeBook.Stack {
  /// nil when no probe of it has ended yet.
  fileprivate func report(at now: Now) -> ProbeReport? {
    guard !instances.isEmpty else { return nil }
    // Two periods: one probe may be under way (S1's G).
    let fresh = gate.interval * 2 + gate.timeout
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
}
