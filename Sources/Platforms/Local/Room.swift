import Glibc
import KeeperKit
import Model
import PlatformKit

/// Whether a whole candidate fits on the host beside what runs there.
struct Room: Sendable {
  /// Unpacked applications measured two to four times their archive.
  private static let unpackedTimesArchive = 4
  /// Logs, scratch files and the keeper's own files of a fresh stack.
  private static let diskReserveBytes = 64 << 20
  private static let mebibyte = 1 << 20

  let site: Site
  let files: StackFiles

  func check(_ launch: StackLaunch) throws(PlatformError) -> Preflight {
    let spec = try ProcessSpec(launch.certificate.spec)
    // What exists has taken its room already.
    if case .ours(let found) = try files.entry(site.name(launch.certificate)),
      found.launch == launch.certificate.launch
    {
      return .room
    }
    // Ports are for all that it may ever run, the rest for what runs at first.
    let count = launch.instances ?? launch.certificate.spec.instances
    let shortages = [
      try memory(spec.limits, count), try processes(spec.limits, count),
      try ports(launch.certificate), try disk(launch.artifacts["artifact:\(spec.artifact)"]),
    ]
    return shortages.compactMap { $0 }.first.map { .shortage($0) } ?? .room
  }

  private func memory(_ limits: InstanceLimits, _ count: Int) throws(PlatformError) -> String? {
    guard let bytes = limits.memoryBytes else { return nil }
    let text = try onHost { () throws(HostError) in try HostFile.text("/proc/meminfo") } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    let (needed, overflows) = bytes.multipliedReportingOverflow(by: count)
    guard overflows || needed > kibibytes << 10 else { return nil }
    return "memory: \(needed / Self.mebibyte) MiB needed, \(kibibytes >> 10) MiB free"
  }

  private func processes(
    _ limits: InstanceLimits, _ count: Int
  ) throws(PlatformError) -> String? {
    guard let pids = limits.pids else { return nil }
    let most = try onHost { () throws(HostError) in
      try HostFile.text("/proc/sys/kernel/pid_max")
    }
    guard let most = most.flatMap({ Int($0) }) else { return nil }
    let used = try onHost { () throws(HostError) in
      try HostDirectory.list("/proc").count { Int32($0) != nil }
    }
    let (needed, overflows) = pids.multipliedReportingOverflow(by: count)
    guard overflows || needed > most - used else { return nil }
    return "pids: \(needed) needed, \(most - used) free"
  }

  private func ports(_ certificate: BirthCertificate) throws(PlatformError) -> String? {
    let count = certificate.spec.instances
    guard certificate.traffic != .none else { return nil }
    let free = try PortAllocator(site: site, files: files).free(limit: count)
    guard free < count else { return nil }
    return "ports: \(count) needed, \(free) free in \(site.settings.ports)"
  }

  private func disk(_ archive: ArtifactFile?) throws(PlatformError) -> String? {
    guard let archive else { return nil }
    let status = try onHost { () throws(HostError) in try HostFile.status(archive.path) }
    guard let status else { return nil }
    var system = statvfs()
    guard statvfs(existing(site.stacks), &system) == 0 else {
      throw .transient("cannot ask for the room of \(site.stacks)")
    }
    let needed = Int(status.st_size) * Self.unpackedTimesArchive + Self.diskReserveBytes
    let free = Int(system.f_bavail) * Int(system.f_frsize)
    guard needed > free else { return nil }
    return "disk: \(needed / Self.mebibyte) MiB needed, \(free / Self.mebibyte) MiB free"
  }

  /// The directory, or the nearest above it that exists.
  private func existing(_ path: String) -> String {
    var path = path
    while path != "/", access(path, F_OK) != 0 { path = HostFile.parent(of: path) }
    return path
  }
}
