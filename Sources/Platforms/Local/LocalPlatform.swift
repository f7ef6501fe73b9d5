import KeeperKit
package import Model
package import PlatformKit

/// Stacks as processes of this host: one directory, one cgroup and one keeper for each.
///
/// It remembers nothing but what files held when they were last read; calls of different kinds
/// wait for nobody but their own kind, so that a large inspection delays no observation.
package final class LocalPlatform: Platform, CheckReader {
  package let name: PlatformName
  package var identity: String { site.identity }
  /// Processes and files are read where they are.
  package let propagation = Duration.zero
  package let nameLimit = Site.nameLimit

  /// Every field that `inspect` reads: `*` stands for an instance's number or one name, `**` for
  /// a path.
  package static let fields = Inspector.fields

  private let site: Site
  private let files: StackFiles
  private let inspector: Inspector
  private let observing = Lane("observe")
  private let acting = Lane("act")
  private let inspecting = Lane("inspect")
  private let reading = Lane("logs")
  private let checking = Lane("checks")

  /// `key` makes and checks certificates; `owner` is whose stacks these are. `refusal` is asked
  /// before each field that `inspect` reads; its answer is why this host cannot read it.
  package init(
    name: PlatformName, settings: LocalPlatformSettings, key: IdentityKey, owner: OwnerID,
    refusal: (@Sendable (FieldPath) -> String?)? = nil
  ) {
    self.name = name
    site = Site(platform: name, settings: settings, key: key, owner: owner)
    files = StackFiles(site)
    inspector = Inspector(site: site, files: files, refusal: refusal)
  }

  package func observe() async throws(PlatformError) -> LiveState {
    let observer = Observer(site: site, files: files)
    return try await observing.run { () throws(PlatformError) in try observer.observe() }
  }

  package func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight {
    let room = Room(site: site, files: files)
    return try await reading.run { () throws(PlatformError) in try room.check(launch) }
  }

  package func ensure(_ launch: StackLaunch) async throws(PlatformError) {
    let launcher = Launcher(site: site, files: files)
    try await acting.run { () throws(PlatformError) in try launcher.ensure(launch) }
  }

  package func setInstances(
    _ count: Int, of certificate: BirthCertificate
  ) async throws(PlatformError) {
    let launcher = Launcher(site: site, files: files)
    try await acting.run { () throws(PlatformError) in
      try launcher.setInstances(count, certificate)
    }
  }

  package func run(
    _ task: StackTask, of certificate: BirthCertificate
  ) async throws(PlatformError) {
    let orders = TaskOrders(site: site, files: files)
    try await acting.run { () throws(PlatformError) in try orders.run(task, certificate) }
  }

  package func retire(_ certificate: BirthCertificate) async throws(PlatformError) {
    let retirement = Retirement(site: site, files: files)
    try await acting.run { () throws(PlatformError) in try retirement.run(certificate) }
  }

  package func inspect(
    _ certificate: BirthCertificate
  ) async throws(PlatformError) -> Inspection {
    let inspector = inspector
    return try await inspecting.run { () throws(PlatformError) in
      try inspector.inspect(certificate)
    }
  }

  package func checks(
    of certificate: BirthCertificate
  ) async throws(PlatformError) -> [CheckResult] {
    let outcomes = CheckOutcomes(site: site, files: files)
    return try await checking.run { () throws(PlatformError) in
      try outcomes.read(certificate)
    }
  }

  package func logs(
    _ certificate: BirthCertificate, lines: Int
  ) async throws(PlatformError) -> [LogLine] {
    let tail = LogTail(site: site, files: files)
    return try await reading.run { () throws(PlatformError) in
      try tail.read(certificate, lines: lines)
    }
  }
}
