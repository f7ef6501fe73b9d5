import Logging
package import Model
package import Planning
package import PlatformKit

/// Inspects every complete stack for drift in turn, apart from the passes.
package actor Inspector {
  private let interval: Duration
  private let nudge: Nudge
  private let clock: AgentClock
  /// Complete stacks of the last pass whose inspection is due, the most urgent last.
  private var waiting: [(certificate: BirthCertificate, platform: any Platform)] = []
  private var reports: [ProbeBook.Key: Report] = [:]
  /// Rises with every result that is news.
  private var revision = 0
  /// Complete stacks of the pass that saw them last.
  private var subjects: [Subject] = []
  private var running: Set<ProbeBook.Key> = []
  /// Whose next report a gate waits for.
  private var awaited: Set<ProbeBook.Key> = []
  /// Nothing is due before; nil: nobody knows.
  private var quietUntil: Now?

  private struct Report {
    var result: Observed<Inspection>
    var at: Now
    /// Since when `result` is what it is.
    var revision: Int
  }

  /// A stack as a pass saw it.
  package struct Subject: Sendable {
    package var stack: StackObservation
    package var platform: any Platform
    /// For a stack without a fingerprint: how long all its instances have answered. What was read
    /// before that is read again at once, because the gate takes the fingerprint from it.
    package var provenFor: Duration?
    package init(stack: StackObservation, platform: any Platform, provenFor: Duration? = nil) {
      self.stack = stack
      self.platform = platform
      self.provenFor = provenFor
    }

    fileprivate var key: ProbeBook.Key { ProbeBook.Key(stack.certificate) }
  }

  /// More at a time would compete with the applications for the disk.
  private static let concurrency = 4

  /// `interval`: accumulated time between two inspections of one stack.
  package init(
    interval: Duration, nudge: Nudge, clock: AgentClock = .host
  ) {
    self.interval = interval
    self.nudge = nudge
    self.clock = clock
  }

  /// Begins inspections that are due; forgets stacks that are gone.
  package func follow(_ stacks: [Subject], at now: Now) {
    (subjects, awaited) = ([], [])
    add(stacks, at: now)
    let keys = Set(subjects.map(\.key))
    reports = reports.filter { keys.contains($0.key) }
    beginDue(at: now)
  }

  /// The same for the stacks of these targets alone; those of others are as they were.
  package func follow(_ stacks: [Subject], of targets: Set<TargetID>, at now: Now) {
    let old = subjects.lazy.filter { targets.contains($0.stack.id.target) }.map(\.key)
    var gone = Set(old)
    subjects.removeAll { targets.contains($0.stack.id.target) }
    awaited.subtract(gone)
    add(stacks, at: now)
    gone.subtract(stacks.lazy.filter { $0.stack.phase == .complete }.map(\.key))
    for key in gone { reports[key] = nil }
    beginDue(at: now)
  }

  private func add(_ stacks: [Subject], at now: Now) {
    let complete = stacks.filter { $0.stack.phase == .complete }
    subjects += complete
    awaited.formUnion(
      complete.lazy.filter { self.isStale($0.key, provenFor: $0.provenFor, at: now) }.map(\.key))
    quietUntil = nil
  }

  /// The stacks that are followed are as they were.
  package func followOn(at now: Now) {
    if let quietUntil, quietUntil.bootID == now.bootID, now.sinceBoot < quietUntil.sinceBoot {
      return
    }
    beginDue(at: now)
  }

  private func beginDue(at now: Now) {
    // Never inspected comes first, then what was inspected longest ago: with more stacks than can
    // be inspected within the interval each still gets its turn, and no gate waits for ever.
    let due = subjects.filter { isDue($0.key, at: now) }
      .map { (age: reports[$0.key].map { age(of: $0.at, at: now) }, subject: $0) }
    waiting = due.sorted { ($0.age ?? .seconds(86_401)) < ($1.age ?? .seconds(86_401)) }
      .map { ($0.subject.stack.certificate, $0.subject.platform) }
    begin()
    quietUntil = running.isEmpty && awaited.isEmpty ? nextDue(after: now) : nil
  }

  /// All have been inspected: when the first is to be again.
  private func nextDue(after now: Now) -> Now? {
    guard let oldest = subjects.compactMap({ reports[$0.key]?.at.sinceBoot }).min() else {
      return nil
    }
    var due = now
    due.sinceBoot = oldest + interval
    return due
  }

  /// The next one begins when one ends, not with the next pass.
  private func begin() {
    while running.count < Self.concurrency, let next = waiting.popLast() {
      running.insert(ProbeBook.Key(next.certificate))
      Task { await self.inspect(next.certificate, on: next.platform) }
    }
  }

  /// What another boot saw is as old as can be.
  private func age(of earlier: Now, at now: Now) -> Duration {
    earlier.bootID == now.bootID
      ? now.elapsed(since: earlier, limit: .seconds(86_400)) : .seconds(86_400)
  }

  /// Of these stacks alone.
  package func current(
    of keys: [ProbeBook.Key], at now: Now
  ) -> [ProbeBook.Key: InspectionReport] {
    var current: [ProbeBook.Key: InspectionReport] = [:]
    for key in keys { current[key] = reports[key].map { told($0, at: now) } }
    return current
  }

  /// Stacks whose result is another than at `revision`, and the revision of now.
  package func changes(since revision: Int) -> (stacks: [StackID], revision: Int) {
    guard revision < self.revision else { return ([], self.revision) }
    return (reports.filter { $0.value.revision > revision }.map(\.key.stack), self.revision)
  }

  package func current(at now: Now) -> [ProbeBook.Key: InspectionReport] {
    reports.mapValues { told($0, at: now) }
  }

  private func told(_ report: Report, at now: Now) -> InspectionReport {
    InspectionReport(
      result: report.result, age: now.elapsed(since: report.at, limit: .seconds(86_400)))
  }

  private func isStale(
    _ key: ProbeBook.Key, provenFor: Duration?, at now: Now
  ) -> Bool {
    guard let provenFor else { return false }
    return reports[key].map { age(of: $0.at, at: now) > provenFor } ?? true
  }

  private func isDue(_ key: ProbeBook.Key, at now: Now) -> Bool {
    guard !running.contains(key) else { return false }
    if awaited.contains(key) { return true }
    guard let last = reports[key] else { return true }
    return last.at.bootID != now.bootID
      || now.elapsed(since: last.at, limit: .seconds(86_400)) >= interval
  }

  private func inspect(_ certificate: BirthCertificate, on platform: any Platform) async {
    let key = ProbeBook.Key(certificate)
    // As old as its oldest reading.
    let start = clock.now()
    let result: Observed<Inspection>
    do throws(PlatformError) {
      result = .known(try await platform.inspect(certificate))
    } catch {
      result = .unknown(reason: "\(error)")
    }
    let isNews = reports[key]?.result != result
    if isNews { revision += 1 }
    reports[key] = Report(
      result: result, at: start, revision: isNews ? revision : reports[key]?.revision ?? revision)
    running.remove(key)
    quietUntil = nil
    begin()
    if isNews || awaited.remove(key) != nil { nudge() }
  }
}
