import Glibc
import KeeperKit
import Model
import PlatformKit
import Synchronization

/// One name below `stacks/`.
enum StackEntry: Hashable, Sendable {
  case absent
  case ours(BirthCertificate)
  case foreign(ForeignObject)
}

/// When a file was last written, as the kernel says; equal stamps mean equal content, because
/// nobody sets a change time but by setting the clock.
struct FileStamp: Hashable, Sendable {
  private var device: UInt
  private var inode: UInt
  private var size: Int
  private var mode: UInt32
  private var owner: UInt32
  private var times: [Int]

  init(_ status: stat) {
    device = status.st_dev
    inode = status.st_ino
    size = Int(status.st_size)
    mode = status.st_mode
    owner = status.st_uid
    times = [
      status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
      status.st_ctim.tv_nsec,
    ]
  }
}

/// Reads the files of stacks, and each certificate, plan and status only once while unchanged.
final class StackFiles: Sendable {
  private struct Cached<Value: Sendable>: Sendable {
    var stamp: FileStamp
    var value: Value
  }

  private struct Cache: Sendable {
    var certificates: [String: Cached<Result<BirthCertificate, Refusal>>] = [:]
    var plans: [String: Cached<KeeperPlan>] = [:]
    var statuses: [String: Cached<KeeperStatus>] = [:]
    /// Of tasks that have ended, by stack and name; the stamp is that of the task's end.
    var tasks: [String: [String: Cached<TaskObservation>]] = [:]
    var hasSeenDirectory = false
  }

  /// Why a certificate is none of ours.
  private struct Refusal: Error { var reason: String }

  private let site: Site
  private let cache = Mutex(Cache())
  init(_ site: Site) { self.site = site }

  /// Every name below `stacks/`; an error when a directory that was there is gone, because a
  /// lost mount must not read as "no stacks".
  func names() throws(PlatformError) -> [String] {
    let exists = try onHost { () throws(HostError) in try HostFile.exists(site.stacks) }
    let wasThere = cache.withLock { cache in
      defer { cache.hasSeenDirectory = cache.hasSeenDirectory || exists }
      return cache.hasSeenDirectory
    }
    guard exists || !wasThere else {
      throw .transient("\(site.stacks) was there and is gone: is its file system mounted?")
    }
    let names = try onHost { () throws(HostError) in try HostDirectory.list(site.stacks) }
    let visible = names.filter { !$0.hasPrefix(Site.hidden) }
    forget(except: Set(visible))
    return visible
  }

  private func forget(except names: Set<String>) {
    cache.withLock { cache in
      cache.certificates = cache.certificates.filter { names.contains($0.key) }
      cache.plans = cache.plans.filter { names.contains($0.key) }
      cache.statuses = cache.statuses.filter { names.contains($0.key) }
      cache.tasks = cache.tasks.filter { names.contains($0.key) }
    }
  }

  func entry(_ name: String) throws(PlatformError) -> StackEntry {
    let layout = site.layout(name)
    let directory = try onHost { () throws(HostError) in
      try HostFile.status(layout.directory)
    }
    guard let directory else { return .absent }
    func foreign(_ reason: String) -> StackEntry {
      .foreign(
        ForeignObject(
          identity: "\(directory.st_dev):\(directory.st_ino)", name: name, reason: reason))
    }
    guard directory.st_mode & S_IFMT == S_IFDIR else { return foreign("is not a directory") }
    do throws(HostError) {
      guard let status = try HostFile.status(layout.certificate) else {
        // The whole directory may have been renamed away since: then it is not here at all.
        return try HostFile.exists(layout.directory) ? foreign("has no certificate") : .absent
      }
      switch certificate(name, layout, FileStamp(status)) {
      case .success(let certificate): return .ours(certificate)
      case .failure(let refusal): return foreign(refusal.reason)
      }
    } catch {
      return foreign("\(error)")
    }
  }

  private func certificate(
    _ name: String, _ layout: StackLayout, _ stamp: FileStamp
  ) -> Result<BirthCertificate, Refusal> {
    let known = cache.withLock { $0.certificates[name] }
    if let known, known.stamp == stamp { return known.value }
    let value: Result<BirthCertificate, Refusal>
    do throws(HostError) {
      guard let found = try HostFile.decode(BirthCertificate.self, from: layout.certificate)
      else { return .failure(Refusal(reason: "has no certificate")) }
      value = refusal(found, name).map { .failure(Refusal(reason: $0)) } ?? .success(found)
    } catch {
      // Not remembered: what cannot be read now may be readable later without being written.
      return .failure(Refusal(reason: "its certificate cannot be read: \(error)"))
    }
    cache.withLock { $0.certificates[name] = Cached(stamp: stamp, value: value) }
    return value
  }

  private func refusal(_ certificate: BirthCertificate, _ name: String) -> String? {
    if !site.key.isValid(certificate) { return "its certificate has a wrong MAC" }
    if certificate.owner != site.owner { return "belongs to \(certificate.owner)" }
    if site.name(certificate) != name {
      return "its certificate is that of \(site.name(certificate))"
    }
    if certificate.platform != site.platform {
      return "belongs to the platform \(certificate.platform)"
    }
    if certificate.platformIdentity != site.identity {
      return "was launched on another host (\(certificate.platformIdentity))"
    }
    return nil
  }

  /// nil before the first plan is written.
  func plan(_ name: String) throws(HostError) -> KeeperPlan? {
    try file(site.layout(name).plan, name, \.plans)
  }

  /// nil before the first keeper has said anything.
  func status(_ name: String) throws(HostError) -> KeeperStatus? {
    try file(site.layout(name).status, name, \.statuses)
  }

  private func file<Value: Decodable & Sendable>(
    _ path: String, _ name: String, _ place: WritableKeyPath<Cache, [String: Cached<Value>]>
  ) throws(HostError) -> Value? {
    guard let status = try HostFile.status(path) else { return nil }
    let stamp = FileStamp(status)
    let known = cache.withLock { $0[keyPath: place][name] }
    if let known, known.stamp == stamp { return known.value }
    guard let value = try HostFile.decode(Value.self, from: path) else { return nil }
    cache.withLock { $0[keyPath: place][name] = Cached(stamp: stamp, value: value) }
    return value
  }

  /// What was seen of each task that was ever ordered, sorted by name; nil: none was.
  func tasks(_ certificate: BirthCertificate) throws(HostError) -> [TaskObservation]? {
    let stack = site.name(certificate)
    let files = TaskFiles(site.layout(stack))
    let names = try files.names()
    guard !names.isEmpty else { return nil }
    // Of another launch under the same name nothing may stay.
    let known = cache.withLock { $0.tasks[stack] ?? [:] }
    var kept: [String: Cached<TaskObservation>] = [:]
    var found: [TaskObservation] = []
    var redaction: Redaction?
    for name in names {
      let stamp = try files.endStamp(name)
      if let stamp, let cached = known[name], cached.stamp == stamp {
        kept[name] = cached
        found.append(cached.value)
        continue
      }
      let secrets = try SecretFile(site, certificate).read()
      if redaction == nil { redaction = Redaction(secrets) }
      var observation = try files.observation(name, redaction ?? Redaction(nil))
      // Without them nobody can tell whether it holds one.
      if secrets == nil, certificate.spec.inputs.contains(where: { $0.kind == .secret }) {
        observation.output = "(not shown: the secrets that it may hold are not there any more)"
      }
      if let stamp { kept[name] = Cached(stamp: stamp, value: observation) }
      found.append(observation)
    }
    let ended = kept
    cache.withLock { $0.tasks[stack] = ended }
    return found
  }

  /// How many instances should run.
  func intended(_ name: String, declared: Int) throws(HostError) -> Int {
    let path = site.layout(name).intended
    guard let text = try HostFile.text(path) else { return declared }
    guard let count = Int(text), (0...declared).contains(count) else {
      throw .malformed(path: path, reason: "is no count from 0 to \(declared)")
    }
    return count
  }
}
