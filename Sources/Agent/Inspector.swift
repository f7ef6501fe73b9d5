import Logging
package import Model
package import Planning
package import PlatformKit

/// Inspects every complete stack for drift in turn, apart from the passes.
package actor Inspector {
  private let interval: Duration
  private let nudge: Nudge
  private var reports: [ProbeBook.Key: (result: Observed<Inspection>, at: Now)] = [:]
  private var running: Set<ProbeBook.Key> = []

  /// More at a time would compete with the applications for the disk.
  private static let concurrency = 4

  /// `interval`: accumulated time between two inspections of one stack.
  package init(interval: Duration, nudge: Nudge) {
    self.interval = interval
    self.nudge = nudge
  }

  /// Begins inspections that are due; forgets stacks that are gone.
  package func follow(
    _ stacks: [(stack: StackObservation, platform: any Platform)], at now: Now
  ) {
    let complete = stacks.filter { $0.stack.phase == .complete }
    let keys = Set(complete.map { ProbeBook.Key($0.stack.certificate) })
    reports = reports.filter { keys.contains($0.key) }
    let due = complete.filter { isDue(ProbeBook.Key($0.stack.certificate), at: now) }
    for (stack, platform) in due.prefix(max(0, Self.concurrency - running.count)) {
      let certificate = stack.certificate
      running.insert(ProbeBook.Key(certificate))
      Task { await self.inspect(certificate, on: platform) }
    }
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
    reports[key] = (result, HostClock.now())
    running.remove(key)
    if isNews { nudge() }
  }
}
