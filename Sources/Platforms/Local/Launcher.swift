import Glibc
import KeeperKit
import Model
import PlatformKit

/// Makes what a stack needs, step by step; each step looks first whether it is done.
struct Launcher: Sendable {
  let site: Site
  let files: StackFiles

  func ensure(_ launch: StackLaunch) throws(PlatformError) {
    let certificate = launch.certificate
    try check(certificate)
    let spec = try ProcessSpec(certificate.spec)
    try claim(certificate)
    let layout = site.layout(certificate)
    let isRetiring = try onHost { () throws(HostError) in
      try HostFile.exists(layout.retiring)
    }
    guard !isRetiring else { throw .waiting("\(certificate.stack) is being retired") }
    let keys = spec.secretKeys(certificate.spec)
    if !keys.isEmpty {
      try SecretFile(site, certificate).write(keys, from: launch.secrets)
      failpoint("local.ensure.after-secrets")
    }
    try writePlan(launch, spec)
    if try needsKeeper(certificate) { try KeeperStart(site: site).run(certificate) }
  }

  /// A parked stack whose keeper has done everything needs none.
  private func needsKeeper(_ certificate: BirthCertificate) throws(PlatformError) -> Bool {
    let facts = try onHost { () throws(HostError) in
      try Observer(site: site, files: files).facts(certificate, try Census())
    }
    return facts.needsKeeper || facts.hasOpenTask
  }

  private func check(_ certificate: BirthCertificate) throws(PlatformError) {
    let isOurs =
      site.key.isValid(certificate) && certificate.owner == site.owner
      && certificate.platform == site.platform && certificate.platformIdentity == site.identity
    guard isOurs else {
      throw .rejected(fault: .platform, "the certificate of \(certificate.stack) is not ours")
    }
  }

  /// After this the name is this launch's, with its certificate inside.
  private func claim(_ certificate: BirthCertificate) throws(PlatformError) {
    let name = site.name(certificate)
    switch try files.entry(name) {
    case .ours(let found):
      guard found.stack == certificate.stack, found.launch == certificate.launch else {
        throw Self.taken(name, "holds another launch of \(found.stack)")
      }
    case .foreign(let object): throw Self.taken(name, object.reason)
    case .absent: try create(certificate)
    }
  }

  private static func taken(_ name: String, _ reason: String) -> PlatformError {
    .rejected(fault: .platform, "name taken: \(name) \(reason)")
  }

  /// The directory appears with its certificate inside, or not at all.
  private func create(_ certificate: BirthCertificate) throws(PlatformError) {
    try Leftovers(site: site).remove()
    failpoint("local.ensure.before-certificate")
    let layout = site.layout(certificate)
    let incoming = StackLayout(directory: site.incoming(certificate))
    try onHost { () throws(HostError) in
      try HostDirectory.make(site.stacks, mode: 0o711)
      // Instances of another user pass through; only their release and scratch are theirs.
      try HostDirectory.make(incoming.directory, mode: 0o711)
      try HostFile.write(try HostFile.json(certificate), to: incoming.certificate)
    }
    failpoint("local.ensure.certificate-written")
    do throws(HostError) {
      try HostDirectory.rename(incoming.directory, toNew: layout.directory)
      try HostFile.syncDirectory(site.stacks)
    } catch {
      try onHost { () throws(HostError) in try HostDirectory.remove(incoming.directory) }
      guard error.code == EEXIST else { throw .transient("\(error)") }
      // Somebody was faster: the next pass sees who.
      throw .conflict("\(site.name(certificate)) was made by somebody else just now")
    }
    failpoint("local.ensure.after-certificate")
  }

  private func writePlan(_ launch: StackLaunch, _ spec: ProcessSpec) throws(PlatformError) {
    let certificate = launch.certificate
    let layout = site.layout(certificate)
    let exists = try onHost { () throws(HostError) in try HostFile.exists(layout.plan) }
    guard !exists else { return }
    guard let archive = launch.artifacts["artifact:\(spec.artifact)"] else {
      throw .transient("the artifact \(spec.artifact) was not handed over")
    }
    if let user = spec.user, HostUser(named: user) == nil {
      throw .rejected(fault: .platform, "this host has no user \(user)")
    }
    let lock = try onHost { () throws(HostError) in try FileLock.take(site.portLock) }
    guard let lock else { throw .waiting("another process of ours chooses ports") }
    try withExtendedLifetime(lock) { () throws(PlatformError) in
      if let count = launch.instances {
        // Before the plan, without which no keeper starts anything.
        try onHost { () throws(HostError) in
          try HostFile.write(Array("\(count)\n".utf8), to: layout.intended)
        }
      }
      failpoint("local.ensure.before-plan")
      let plan = site.plan(
        certificate, spec,
        LaunchDetails(
          archive: archive, ports: try ports(certificate),
          drainMilliseconds: max(0, launch.drainDeadline.milliseconds)))
      try onHost { () throws(HostError) in
        try HostFile.write(try HostFile.json(plan), to: layout.plan)
      }
    }
    failpoint("local.ensure.after-plan")
  }

  /// 0 stands for "no port": a worker listens nowhere.
  private func ports(_ certificate: BirthCertificate) throws(PlatformError) -> [Int] {
    let count = certificate.spec.instances
    guard certificate.traffic != .none else { return Array(repeating: 0, count: count) }
    return try PortAllocator(site: site, files: files)
      .choose(count, launch: certificate.launch)
  }

  func setInstances(
    _ count: Int, _ certificate: BirthCertificate
  ) throws(PlatformError) {
    let declared = certificate.spec.instances
    guard (0...declared).contains(count) else {
      throw .rejected(
        fault: .platform, "\(certificate.stack) declares \(declared) instances, not \(count)")
    }
    let name = site.name(certificate)
    guard case .ours(let found) = try files.entry(name), found.launch == certificate.launch else {
      throw .rejected(fault: .platform, "there is no stack \(name) of this launch")
    }
    let layout = site.layout(name)
    try onHost { () throws(HostError) in
      guard try !HostFile.exists(layout.retiring) else { return }
      guard try HostFile.text(layout.intended) != String(count) else { return }
      failpoint("local.instances.before-write")
      try HostFile.write(Array("\(count)\n".utf8), to: layout.intended)
      failpoint("local.instances.after-write")
    }
    let hasPlan = try onHost { () throws(HostError) in try HostFile.exists(layout.plan) }
    if hasPlan, try needsKeeper(certificate) { try KeeperStart(site: site).run(certificate) }
  }
}

extension Duration {
  var milliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }
}
