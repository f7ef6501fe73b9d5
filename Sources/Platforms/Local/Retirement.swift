import CHost
import Glibc
import KeeperKit
import Model
import PlatformKit

/// Stops a stack and removes everything it made; every step may be repeated after a crash.
struct Retirement: Sendable {
  /// The agent's own wish where no plan says how long a drain may take.
  private static let drainMilliseconds = 30_000

  let site: Site
  let files: StackFiles

  /// Throws `waiting` until a fresh read shows that nothing runs.
  func run(_ certificate: BirthCertificate) throws(PlatformError) {
    try Leftovers(site: site).remove()
    let name = site.name(certificate)
    switch try files.entry(name) {
    case .absent: return try removeOutside(certificate)
    case .foreign(let object):
      throw .rejected(fault: .platform, "not touched: \(name) \(object.reason)")
    case .ours(let found):
      guard found.stack == certificate.stack, found.launch == certificate.launch else {
        throw .rejected(fault: .platform, "not touched: \(name) is another launch")
      }
    }
    let layout = site.layout(name)
    try stop(certificate, try mark(certificate, layout), layout)
    failpoint("local.retire.after-stop")
    try removeOutside(certificate)
    try removeDirectory(certificate, layout)
  }

  private func mark(
    _ certificate: BirthCertificate, _ layout: StackLayout
  ) throws(PlatformError) -> RetiringMark {
    let known = try onHost { () throws(HostError) in try Observer.mark(layout) }
    if let known { return known }
    var drain = Self.drainMilliseconds
    do throws(HostError) {
      drain = try files.plan(site.name(certificate))?.drainMilliseconds ?? drain
    } catch {
      // A damaged plan must not keep a stack for ever: it gets the usual time.
    }
    let mark = RetiringMark(
      bootID: Host.bootID, milliseconds: Host.millisecondsSinceBoot, drainMilliseconds: drain)
    failpoint("local.retire.before-mark")
    try onHost { () throws(HostError) in
      try HostFile.write(try HostFile.json(mark), to: layout.retiring)
    }
    failpoint("local.retire.after-mark")
    return mark
  }

  /// The keeper stops its instances; what it has not stopped in time is killed.
  private func stop(
    _ certificate: BirthCertificate, _ mark: RetiringMark, _ layout: StackLayout
  ) throws(PlatformError) {
    let cgroup = site.cgroup(certificate)
    let running = try running(certificate, layout)
    let keeperLives = try onHost { () throws(HostError) in try FileLock.isHeld(layout.lock) }
    guard !running.isEmpty || keeperLives else { return }
    let age = mark.age(Host.millisecondsSinceBoot, Host.bootID)
    guard age > mark.drainMilliseconds + RetiringMark.graceMilliseconds else {
      if !keeperLives { try KeeperStart(site: site).run(certificate) }
      throw .waiting("\(certificate.stack): \(running.count) processes are stopping")
    }
    try onHost { () throws(HostError) in try cgroup.kill() }
    for process in running { Self.kill(process) }
    if keeperLives,
      let status = try onHost({ () throws(HostError) in
        try files.status(site.name(certificate))
      }), status.keeper.isAlive, let keeper = HostProcess.read(status.keeper.pid)
    {
      Self.kill(keeper)
    }
    throw .waiting("\(certificate.stack): \(running.count) processes were killed")
  }

  /// Living processes of the instances, of the cgroup as a whole, and of the keeper's record.
  private func running(
    _ certificate: BirthCertificate, _ layout: StackLayout
  ) throws(PlatformError) -> [HostProcess] {
    try onHost { () throws(HostError) in
      var found = try Census().processes(nil, site.cgroup(certificate), layout)
      let known = Set(found.map(\.pid))
      let instances = try files.status(site.name(certificate))?.instances ?? []
      let recorded = try instances.compactMap(\.process) + TaskFiles(layout).running()
      found +=
        recorded
        .filter { $0.isAlive && !known.contains($0.pid) }
        .compactMap { HostProcess.read($0.pid) }
      return found
    }
  }

  /// Through a pidfd whose process is looked at again, so that no number used anew is hit.
  private static func kill(_ process: HostProcess) {
    let number = chost_pidfd_open(process.pid)
    guard number >= 0 else { return }
    let pidfd = Descriptor(adopting: number)
    guard process.identity.isAlive else { return }
    // An error means that it has ended by itself: the next read tells.
    _ = chost_pidfd_signal(pidfd.number, SIGKILL)
  }

  private func removeOutside(_ certificate: BirthCertificate) throws(PlatformError) {
    let cgroup = site.cgroup(certificate)
    do throws(HostError) {
      try cgroup.kill()
      try cgroup.remove()
    } catch {
      guard error.code != EBUSY else { throw .waiting("the last processes are ending") }
      throw .transient("\(error)")
    }
    failpoint("local.retire.after-cgroup")
    try SecretFile(site, certificate).remove()
    failpoint("local.retire.after-secrets")
  }

  /// Everything large goes first, under the name that `observe` shows as retiring; what is left
  /// to rename is the certificate and the mark.
  private func removeDirectory(
    _ certificate: BirthCertificate, _ layout: StackLayout
  ) throws(PlatformError) {
    try onHost { () throws(HostError) in
      let kept = [layout.certificate, layout.retiring]
      for name in try HostDirectory.list(layout.directory) {
        let path = "\(layout.directory)/\(name)"
        if !kept.contains(path) { try HostDirectory.remove(path) }
      }
      let trash = site.trash(certificate)
      try HostDirectory.rename(layout.directory, toNew: trash)
      try HostFile.syncDirectory(site.stacks)
      failpoint("local.retire.after-rename")
      try HostDirectory.remove(trash)
      failpoint("local.retire.after-remove")
    }
  }
}
