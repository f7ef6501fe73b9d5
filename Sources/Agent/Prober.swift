package import Model
package import Planning

/// Asks one instance whether it is healthy; nil means yes, a text says what is wrong.
package protocol HealthProbe: Sendable {
  func failure(_ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration) async -> String?
}

/// Probes every stack that runs, all the time, at the stacks' own endpoints: so a warm stack is
/// known to be good before anybody needs it.
package actor Prober {
  private let probe: any HealthProbe
  private let clock: AgentClock
  private let nudge: Nudge
  private var book = ProbeBook()
  private var tasks: [ProbeBook.Key: (subject: Subject, task: Task<Void, Never>)] = [:]
  private var restarts: [ProbeBook.Key: (count: Int, at: Now)] = [:]
  /// Followed stacks without a health endpoint.
  private var unprobed: [StackObservation] = []

  private struct Subject: Equatable {
    var gate: HealthGate
    var endpoints: [Endpoint]
  }

  package init(
    probe: any HealthProbe, nudge: Nudge, clock: AgentClock = .host
  ) {
    self.probe = probe
    self.nudge = nudge
    self.clock = clock
  }

  /// Follows exactly these stacks from now on; the others are forgotten.
  package func follow(_ stacks: [StackObservation]) {
    let now = clock.now()
    let running = stacks.filter { $0.capacity.running > 0 }
    unprobed = running.filter { $0.certificate.spec.health.check == .running }
    let keys = Set(running.map { ProbeBook.Key($0.certificate) })
    for (key, entry) in tasks where !keys.contains(key) {
      entry.task.cancel()
      tasks[key] = nil
      restarts[key] = nil
    }
    book.keep(keys)
    for stack in running { follow(stack, at: now) }
  }

  /// The stacks that are followed are as they were.
  package func followOn() {
    let now = clock.now()
    for stack in unprobed { follow(stack, at: now) }
  }

  /// Of these stacks alone.
  package func reports(of keys: [ProbeBook.Key], at now: Now) -> [ProbeBook.Key: ProbeReport] {
    var reports: [ProbeBook.Key: ProbeReport] = [:]
    for key in keys where tasks[key] != nil { reports[key] = book.report(key, at: now) }
    return reports
  }

  /// Stacks of which something else than an age differs from what it was at `revision`, and the
  /// revision of now.
  package func changes(since revision: Int, at now: Now) -> (stacks: [StackID], revision: Int) {
    book.changes(since: revision, at: now)
  }

  /// By stack; a stack none of whose probes has ended is missing.
  package func reports(at now: Now) -> [ProbeBook.Key: ProbeReport] {
    Dictionary(
      uniqueKeysWithValues: tasks.keys.compactMap { key in
        book.report(key, at: now).map { (key, $0) }
      })
  }

  package func stop() {
    for entry in tasks.values { entry.task.cancel() }
    tasks = [:]
  }

  private func follow(_ stack: StackObservation, at now: Now) {
    let key = ProbeBook.Key(stack.certificate)
    let gate = stack.certificate.spec.health
    if gate.check == .running {
      judgeRunning(stack, key: key, gate: gate, at: now)
      if tasks[key] == nil { tasks[key] = (Subject(gate: gate, endpoints: []), Task {}) }
      return
    }
    let subject = Subject(gate: gate, endpoints: stack.endpoints.sorted())
    guard tasks[key]?.subject != subject else { return }
    tasks[key]?.task.cancel()
    book.keep(instances: Set(subject.endpoints.map(\.instance)), of: key)
    let task = Task {
      await withTaskGroup(of: Void.self) { group in
        for endpoint in subject.endpoints {
          group.addTask { await self.watch(endpoint, of: key, gate: gate) }
        }
      }
    }
    tasks[key] = (subject, task)
  }

  private func watch(_ endpoint: Endpoint, of key: ProbeBook.Key, gate: HealthGate) async {
    let begun = clock.now()
    var hasPassed = false
    while !Task.isCancelled {
      let failure = await probe.failure(gate.check, at: endpoint, timeout: gate.timeout)
      if Task.isCancelled { return }
      record(failure, at: endpoint, of: key, gate: gate)
      hasPassed = hasPassed || failure == nil
      // The gate's interval lies between two passes. What has never answered yet is only waited
      // for, and nobody tells when it is up.
      let waited = clock.now().elapsed(since: begun, limit: .seconds(86_400))
      let pause =
        hasPassed ? gate.interval : Patience.pause(after: waited, atMost: gate.interval)
      do { try await clock.sleep(pause) } catch { return }
    }
  }

  private func record(
    _ failure: String?, at endpoint: Endpoint, of key: ProbeBook.Key, gate: HealthGate
  ) {
    let before = book.report(key, at: clock.now())
    book.record(
      key, gate: gate, instance: endpoint.instance, endpoint: endpoint, failure: failure,
      at: clock.now())
    let after = book.report(key, at: clock.now())
    if before?.proven != after?.proven || before?.healthy != after?.healthy { nudge() }
  }

  /// A workload without a health endpoint is healthy while it runs and nobody had to restart it.
  private func judgeRunning(
    _ stack: StackObservation, key: ProbeBook.Key, gate: HealthGate, at now: Now
  ) {
    if let last = restarts[key], last.count == stack.restarts,
      now.elapsed(since: last.at, limit: .seconds(86_400)) < gate.interval
    {
      return
    }
    let isRestarted = restarts[key].map { $0.count != stack.restarts } ?? false
    restarts[key] = (stack.restarts, now)
    for instance in 0..<stack.capacity.declared {
      let isRunning = instance < stack.capacity.running && !isRestarted
      book.record(
        key, gate: gate, instance: instance, endpoint: nil,
        failure: isRunning ? nil : (stack.lastExit ?? "not running"), at: now)
    }
  }
}
