import CHost
import Glibc

/// One process for all time: a pid alone is used again, also after a reboot.
package struct ProcessIdentity: Hashable, Codable, Sendable {
  package var pid: Int32
  /// Field 22 of /proc/<pid>/stat, in clock ticks since boot.
  package var startTicks: UInt64
  package var bootID: String
  package init(pid: Int32, startTicks: UInt64, bootID: String) {
    self.pid = pid
    self.startTicks = startTicks
    self.bootID = bootID
  }

  /// It exists and is no zombie: a process that PID 1 reaps late is as gone as any.
  package var isAlive: Bool {
    guard let found = HostProcess.read(pid), !found.isZombie else { return false }
    return found.startTicks == startTicks && Host.bootID == bootID
  }
}

/// What /proc shows of one process.
package struct HostProcess: Sendable {
  package var pid: Int32
  package var parent: Int32
  package var group: Int32
  package var startTicks: UInt64
  package var isZombie: Bool
  /// The command's short name.
  package var name: String

  package var identity: ProcessIdentity {
    ProcessIdentity(pid: pid, startTicks: startTicks, bootID: Host.bootID)
  }

  /// nil when there is no such process.
  package static func read(_ pid: Int32) -> HostProcess? {
    guard let text = (try? HostFile.text("/proc/\(pid)/stat")) ?? nil,
      let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let parent = Int32(fields[1]), let group = Int32(fields[2]),
      let start = UInt64(fields[19])
    else { return nil }
    let isZombie = ["Z", "X", "x"].contains(fields[0])
    return HostProcess(
      pid: pid, parent: parent, group: group, startTicks: start, isZombie: isZombie,
      name: String(text[text.index(after: open)..<close]))
  }

  /// All processes that are no zombies.
  package static func all() throws(HostError) -> [HostProcess] {
    try HostDirectory.list("/proc").compactMap { Int32($0) }.compactMap(read)
      .filter { !$0.isZombie }
  }

  /// The NUL-separated parts of /proc/<pid>/environ or cmdline.
  package static func strings(_ pid: Int32, _ file: String) throws(HostError) -> [String] {
    guard var bytes = try HostFile.read("/proc/\(pid)/\(file)") else {
      throw .system(what: "cannot read \(file) of process \(pid)", errno: ESRCH)
    }
    if bytes.last == 0 { bytes.removeLast() }
    return bytes.split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

/// What the kernel says of this host.
package enum Host {
  /// Read once: it cannot change while a process lives.
  package static let bootID: String =
    ((try? HostFile.text("/proc/sys/kernel/random/boot_id")) ?? nil) ?? "unknown"

  /// Milliseconds since boot, sleep included (CLOCK_BOOTTIME).
  package static var millisecondsSinceBoot: Int {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
