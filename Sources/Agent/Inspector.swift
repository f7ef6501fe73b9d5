import Logging
package import Model
package import Planning
package import PlatformKit

/// Inspects every complete stack for drift in turn, apart from the passes.
package actor Inspector {
  private let interval: Duration
  private let nudge: Nudge
  private let clock: @Sendable () -> Now
  /// Complete stacks of the last pass whose inspection is due, the most urgent last.
  private var waiting: [(certificate: BirthCertificate, platform: any Platform)] = []
  private var reports: [ProbeBook.Key: (result: Observed<Inspection>, at: Now)] = [:]
  private var running: Set<ProbeBook.Key> = []

  /// More at a time would compete with the applications for the disk.
  private static let concurrency = 4

  /// `interval`: accumulated time between two inspections of one stack.
  package init(
    interval: Duration, nudge: Nudge, clock: @escaping @Sendable () -> Now = HostClock.now
  ) {
    self.interval = interval
    self.nudge = nudge
    self.clock = clock
  }

  /// Begins inspections that are due; forgets stacks that are gone.
  package func follow(
    _ stacks: [(stack: StackObservation, platform: any Platform)], at now: Now
  ) {
    let complete = stacks.filter { $0.stack.phase == .complete }
    let keys = Set(complete.map { ProbeBook.Key($0.stack.certificate) })
    reports = reports.filter { keys.contains($0.key) }
    // Never inspected comes first, then what was inspected longest ago: with more stacks than can
    // be inspected within the interval each still gets its turn, and no gate waits for ever.
    let due = complete.map { (key: ProbeBook.Key($0.stack.certificate), subject: $0) }
      .filter { isDue($0.key, at: now) }
      .map { (age: reports[$0.key].map { age(of: $0.at, at: now) }, subject: $0.subject) }
    waiting = due.sorted { ($0.age ?? .seconds(86_401)) < ($1.age ?? .seconds(86_401)) }
      .map { ($0.subject.stack.certificate, $0.subject.platform) }
    begin()
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

  package func current(at now: Now) -> [ProbeBook.Key: InspectionReport] {
    reports.mapValues { report in
      InspectionReport(
        result: report.result, age: now.elapsed(since: report.at, limit: .seconds(86_400)))
    }
  }

  private func isDue(_ key: ProbeBook.Key, at now: Now) -> Bool {
    guard !running.contains(key) else { return false }
    guard let last = reports[key] else { return true }
    return last.at.bootID != now.bootID
      || now.elapsed(since: last.at, limit: .seconds(86_400)) >= interval
  }

  private func inspect(_ certificate: BirthCertificate, on platform: any Platform) async {
    let key = ProbeBook.Key(certificate)
    let result: Observed<Inspection>
    do throws(PlatformError) {
      result = .known(try await platform.inspect(certificate))
    } catch {
      result = .unknown(reason: "\(error)")
    }
    let isNews = reports[key]?.result != result
    reports[key] = (result, clock())
    running.remove(key)
    begin()
    if isNews { nudge() }
  }
}
