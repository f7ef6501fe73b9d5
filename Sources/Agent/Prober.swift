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
  private var subjects: [ProbeBook.Key: Subject] = [:]
  private var agenda = ProbeAgenda()
  /// Counts subjects.
  private var serial = 0
  /// Sleeps until the next probe is due, and when that is on the boot clock.
  private var waker: (task: Task<Void, Never>, at: Duration)?
  private var restarts: [ProbeBook.Key: (count: Int, at: Now)] = [:]
  /// Followed stacks without a health endpoint.
  private var unprobed: [StackObservation] = []

  private struct Subject {
    var gate: HealthGate
    var endpoints: [Endpoint]
    var serial = 0
    var begun: Now
    /// By endpoint: it has passed once.
    var haveAnswered: [Bool]

    init(_ gate: HealthGate, _ endpoints: [Endpoint], _ serial: Int, at now: Now) {
      (self.gate, self.endpoints, self.serial, begun) = (gate, endpoints, serial, now)
      haveAnswered = endpoints.map { _ in false }
    }
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
    forget(subjects.keys.filter { !keys.contains($0) })
    book.keep(keys)
    for stack in running { follow(stack, at: now) }
  }

  /// Follows exactly these stacks of these targets from now on; those of others are as they were.
  package func follow(_ stacks: [StackObservation], of targets: Set<TargetID>) {
    let now = clock.now()
    let running = stacks.filter { $0.capacity.running > 0 }
    unprobed.removeAll { targets.contains($0.id.target) }
    unprobed += running.filter { $0.certificate.spec.health.check == .running }
    let keys = Set(running.map { ProbeBook.Key($0.certificate) })
    forget(subjects.keys.filter { targets.contains($0.stack.target) && !keys.contains($0) })
    for stack in unprobed + running { follow(stack, at: now) }
  }

  private func forget(_ keys: [ProbeBook.Key]) {
    for key in keys {
      subjects[key] = nil
      restarts[key] = nil
    }
    book.forget(keys)
  }

  /// The stacks that are followed are as they were.
  package func followOn() {
    let now = clock.now()
    for stack in unprobed { follow(stack, at: now) }
  }

  /// Of these stacks alone.
  package func reports(of keys: [ProbeBook.Key], at now: Now) -> [ProbeBook.Key: ProbeReport] {
    var reports: [ProbeBook.Key: ProbeReport] = [:]
    for key in keys where subjects[key] != nil { reports[key] = book.report(key, at: now) }
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
      uniqueKeysWithValues: subjects.keys.compactMap { key in
        book.report(key, at: now).map { (key, $0) }
      })
  }

  package func stop() {
    waker?.task.cancel()
    (waker, subjects, agenda) = (nil, [:], ProbeAgenda())
  }

  private func follow(_ stack: StackObservation, at now: Now) {
    let key = ProbeBook.Key(stack.certificate)
    let gate = stack.certificate.spec.health
    if gate.check == .running {
      judgeRunning(stack, key: key, gate: gate, at: now)
      if subjects[key] == nil { subjects[key] = Subject(gate, [], 0, at: now) }
      return
    }
    // S1: passes of a process that ended are not in a row with those of the next.
    if let last = restarts[key], last.count != stack.restarts { book.beginStreaks(of: key) }
    restarts[key] = (stack.restarts, now)
    let endpoints = stack.endpoints.sorted()
    if let old = subjects[key], old.gate == gate, old.endpoints == endpoints { return }
    book.keep(instances: Set(endpoints.map(\.instance)), of: key)
    serial += 1
    subjects[key] = Subject(gate, endpoints, serial, at: now)
    for index in endpoints.indices { begin(index, of: key, serial) }
  }

  /// Probes once; what has changed meanwhile is probed anew, and the answer counts for nothing.
  private func begin(_ index: Int, of key: ProbeBook.Key, _ serial: Int) {
    guard let subject = subjects[key], subject.serial == serial else { return }
    let (gate, endpoint) = (subject.gate, subject.endpoints[index])
    Task {
      let failure = await probe.failure(gate.check, at: endpoint, timeout: gate.timeout)
      self.end(failure, index, of: key, serial)
    }
  }

  private func end(_ failure: String?, _ index: Int, of key: ProbeBook.Key, _ serial: Int) {
    guard var subject = subjects[key], subject.serial == serial else { return }
    record(failure, at: subject.endpoints[index], of: key, gate: subject.gate)
    let now = clock.now()
    if failure == nil, !subject.haveAnswered[index] {
      subject.haveAnswered[index] = true
      subjects[key] = subject
    }
    // The gate's interval lies between two passes. What has never answered yet is only waited
    // for, and nobody tells when it is up.
    let waited = now.elapsed(since: subject.begun, limit: .seconds(86_400))
    let pause =
      subject.haveAnswered[index]
      ? subject.gate.interval : Patience.pause(after: waited, atMost: subject.gate.interval)
    agenda.insert(.init(at: now.sinceBoot + pause, key: key, serial: serial, index: index))
    sleep()
  }

  /// Until the next probe is due.
  private func sleep() {
    guard let next = agenda.next else { return }
    if let waker {
      guard next < waker.at else { return }
      waker.task.cancel()
    }
    let pause = max(.zero, next - clock.now().sinceBoot)
    let task = Task {
      do { try await clock.sleep(pause) } catch { return }
      self.wake()
    }
    waker = (task, next)
  }

  private func wake() {
    waker = nil
    let now = clock.now().sinceBoot
    while let entry = agenda.popDue(at: now) { begin(entry.index, of: entry.key, entry.serial) }
    sleep()
  }

  private func record(
    _ failure: String?, at endpoint: Endpoint, of key: ProbeBook.Key, gate: HealthGate
  ) {
    let now = clock.now()
    let before = book.report(key, at: now)
    let mayBeNews = book.record(
      key, gate: gate, instance: endpoint.instance, endpoint: endpoint, failure: failure, at: now)
    guard mayBeNews else { return }
    let after = book.report(key, at: now)
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
