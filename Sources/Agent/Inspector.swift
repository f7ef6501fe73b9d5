import Logging
package import Model
package import Planning
package import PlatformKit

/// Inspects every complete stack for drift in turn, apart from the passes.
package actor Inspector {
  private let interval: Duration
  private let nudge: Nudge
  private let clock: AgentClock
  /// Stacks whose inspection is due, the most urgent last.
  private var waiting: [Followed] = []
  private var reports: [ProbeBook.Key: Report] = [:]
  /// Rises with every result that is news.
  private var revision = 0
  /// Complete stacks of the pass that saw them last.
  private var followed: [TargetID: [Followed]] = [:]
  private var running: Set<ProbeBook.Key> = []
  /// Whose next report a gate waits for.
  private var awaited: Set<ProbeBook.Key> = []
  /// On the clock of this boot, nothing that neither waits nor runs is due before; nil: nobody knows.
  private var quiet: (bootID: String, until: Duration)?

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
  }

  /// What is kept of a stack: held by reference, as there may be ten thousand of them.
  private final class Followed: Sendable {
    let key: ProbeBook.Key
    let certificate: BirthCertificate
    let platform: any Platform

    init(_ subject: Subject) {
      certificate = subject.stack.certificate
      key = ProbeBook.Key(certificate)
      platform = subject.platform
    }
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
    (followed, awaited) = ([:], [])
    let keys = Set(add(stacks, at: now).map(\.key))
    reports = reports.filter { keys.contains($0.key) }
    beginDue(at: now)
  }

  /// The same for the stacks of these targets alone; those of others are as they were.
  package func follow(_ stacks: [Subject], of targets: Set<TargetID>, at now: Now) {
    var gone: Set<ProbeBook.Key> = []
    for target in targets {
      gone.formUnion(followed.removeValue(forKey: target)?.map(\.key) ?? [])
    }
    awaited.subtract(gone)
    let added = add(stacks, at: now)
    gone.subtract(added.map(\.key))
    for key in gone { reports[key] = nil }
    guard isQuiet(at: now) else { return beginDue(at: now) }
    waiting.removeAll { targets.contains($0.key.stack.target) }
    waiting += due(added, at: now)
    remember(added, at: now)
    begin()
  }

  /// The complete ones of them.
  private func add(_ stacks: [Subject], at now: Now) -> [Followed] {
    stacks.compactMap { subject in
      guard subject.stack.phase == .complete else { return nil }
      let new = Followed(subject)
      followed[new.key.stack.target, default: []].append(new)
      if isStale(new.key, provenFor: subject.provenFor, at: now) { awaited.insert(new.key) }
      return new
    }
  }

  /// The stacks that are followed are as they were.
  package func followOn(at now: Now) {
    if !isQuiet(at: now) { beginDue(at: now) }
  }

  private func beginDue(at now: Now) {
    let all = followed.values.joined()
    waiting = due(all, at: now)
    quiet = (now.bootID, .seconds(Int64.max))
    remember(all, at: now)
    begin()
  }

  /// When those of them are due again that neither wait nor run.
  private func remember(_ stacks: some Sequence<Followed>, at now: Now) {
    for stack in stacks where !running.contains(stack.key) && !isDue(stack.key, at: now) {
      if let report = reports[stack.key] { shorten(to: report.at) }
    }
  }

  /// Never inspected comes first, then what was inspected longest ago: with more stacks than can be
  /// inspected within the interval each still gets its turn, and no gate waits for ever.
  private func due(_ stacks: some Sequence<Followed>, at now: Now) -> [Followed] {
    stacks.filter { isDue($0.key, at: now) }
      .map { (age: reports[$0.key].map { age(of: $0.at, at: now) }, stack: $0) }
      .sorted { ($0.age ?? .seconds(86_401)) < ($1.age ?? .seconds(86_401)) }
      .map(\.stack)
  }

  private func isQuiet(at now: Now) -> Bool {
    quiet.map { $0.bootID == now.bootID && now.sinceBoot < $0.until } ?? false
  }

  /// What was inspected then is due again after the interval.
  private func shorten(to inspected: Now) {
    guard let quiet else { return }
    if inspected.bootID == quiet.bootID {
      self.quiet?.until = min(quiet.until, inspected.sinceBoot + interval)
    } else {
      self.quiet = nil
    }
  }

  /// No inspection is under way, and what was read is told.
  package var isIdle: Bool { running.isEmpty }

  /// The next one begins when one ends, not with the next pass.
  private func begin() {
    while running.count < Self.concurrency, let next = waiting.popLast() {
      running.insert(next.key)
      Task { await self.inspect(next) }
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

  private func inspect(_ stack: Followed) async {
    let key = stack.key
    // As old as its oldest reading.
    let start = clock.now()
    let result: Observed<Inspection>
    do throws(PlatformError) {
      result = .known(try await stack.platform.inspect(stack.certificate))
    } catch {
      result = .unknown(reason: "\(error)")
    }
    guard followed[key.stack.target]?.contains(where: { $0.key == key }) == true else {
      running.remove(key)
      return begin()
    }
    let isNews = reports[key]?.result != result
    if isNews { revision += 1 }
    reports[key] = Report(
      result: result, at: start, revision: isNews ? revision : reports[key]?.revision ?? revision)
    running.remove(key)
    shorten(to: start)
    begin()
    let wasAwaited = awaited.remove(key) != nil
    if isNews || wasAwaited { nudge() }
  }
}
