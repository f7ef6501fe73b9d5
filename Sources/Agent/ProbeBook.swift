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

  private struct Record {
    var endpoint: Endpoint?
    var consecutivePasses = 0
    var isPassing = false
    var at: Now
    /// Since when it has passed often enough.
    var provenSince: Now?
  }

  private struct Stack {
    var gate: HealthGate
    var instances: [Int: Record] = [:]
    var lastFailure: String?
  }

  private var stacks: [Key: Stack] = [:]

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
    guard let stack = stacks[key], !stack.instances.isEmpty else { return nil }
    // Two periods: one probe may be under way (S1's G).
    let fresh = stack.gate.interval * 2 + stack.gate.timeout
    let ages = stack.instances.mapValues { now.elapsed(since: $0.at, limit: .seconds(86_400)) }
    let passing = stack.instances.filter { $0.value.isPassing && (ages[$0.key] ?? fresh) <= fresh }
    let provenSince = passing.values.compactMap(\.provenSince)
    let provenFor = provenSince.map { now.elapsed(since: $0, limit: .seconds(86_400)) }
    return ProbeReport(
      healthy: passing.count, proven: provenFor.count, age: ages.values.max() ?? .zero,
      provenFor: provenFor.min() ?? .zero, lastFailure: stack.lastFailure)
  }
}
