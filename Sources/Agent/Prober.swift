package import Model
package import Planning
package import PlatformKit

/// Asks one instance whether it is healthy; nil means yes, a text says what is wrong.
package protocol HealthProbe: Sendable {
  func failure(_ check: HealthGate.Check, at endpoint: Endpoint, timeout: Duration) async -> String?
}

/// Probes every stack that runs, all the time, at the stacks' own endpoints: so a warm stack is
/// known to be good before anybody needs it.
package actor Prober {
  private let probe: any HealthProbe
  private let checks: [PlatformName: any CheckReader]
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
    /// Of a stack whose platform runs the check: its results are read, and nothing is probed.
    var checked: BirthCertificate?

    init(_ gate: HealthGate, _ endpoints: [Endpoint], _ serial: Int, at now: Now) {
      (self.gate, self.endpoints, self.serial, begun) = (gate, endpoints, serial, now)
      haveAnswered = endpoints.map { _ in false }
    }
  }

  /// `checks`: what reads the results of checks that are commands, by platform.
  package init(
    probe: any HealthProbe, checks: [PlatformName: any CheckReader] = [:], nudge: Nudge,
    clock: AgentClock = .host
  ) {
    self.probe = probe
    self.checks = checks
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
    if case .command = gate.check { return followChecks(of: stack, key, at: now) }
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
    guard subject.checked == nil else { return read(of: key, serial) }
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

  private func followChecks(of stack: StackObservation, _ key: ProbeBook.Key, at now: Now) {
    book.keep(instances: Set(0..<stack.capacity.intended), of: key)
    guard subjects[key]?.checked != stack.certificate else { return }
    serial += 1
    var subject = Subject(stack.certificate.spec.health, [], serial, at: now)
    subject.checked = stack.certificate
    subjects[key] = subject
    read(of: key, serial)
  }

  /// Reads the newest results: the platform runs the check whether or not anybody reads them.
  private func read(of key: ProbeBook.Key, _ serial: Int) {
    guard let certificate = subjects[key]?.checked, let reader = checks[certificate.platform]
    else { return }
    Task {
      let results: [CheckResult]?
      do throws(PlatformError) {
        results = try await reader.checks(of: certificate)
      } catch {
        // What was known ages; nothing is healthy by what nobody could read.
        results = nil
      }
      self.end(results, of: key, serial)
    }
  }

  private func end(_ results: [CheckResult]?, of key: ProbeBook.Key, _ serial: Int) {
    guard let subject = subjects[key], subject.serial == serial else { return }
    let now = clock.now()
    if let results {
      let before = book.report(key, at: now)
      // What has no result has just begun, or ended: the last one says nothing of it.
      book.keep(instances: Set(results.map(\.instance)), of: key)
      for result in results { book.record(result, of: key, gate: subject.gate, at: now) }
      let after = book.report(key, at: now)
      if before?.proven != after?.proven || before?.healthy != after?.healthy { nudge() }
    }
    // Twice in each interval: a result is fresh for little more than two, counted from its end.
    let pause = min(subject.gate.interval / 2, Self.longestReadingPause)
    agenda.insert(.init(at: now.sinceBoot + pause, key: key, serial: serial, index: 0))
    sleep()
  }

  /// One reading is one small file or one call: more often than once a second only for a gate in a
  /// hurry.
  private static let longestReadingPause = Duration.seconds(1)

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
