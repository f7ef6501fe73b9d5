import KeeperKit

/// Which processes belong to which stack, as the kernel says now. Zombies do not count.
struct Census: Sendable {
  private struct Mark: Hashable {
    var scratch: String
    /// nil: a task's, or a check's.
    var instance: String?
  }

  /// Where the host has no cgroup2: processes by what their environment said at their start.
  private let marked: [Mark: [Int32]]?

  /// One look at all processes, only where there is no cgroup to ask.
  init(_ host: CgroupHost = .current) throws(HostError) {
    guard host.unified == nil else {
      marked = nil
      return
    }
    var found: [Mark: [Int32]] = [:]
    for process in try HostProcess.all() {
      guard let mark = Self.mark(process.pid) else { continue }
      found[mark, default: []].append(process.pid)
    }
    marked = found
  }

  /// Living processes of one instance; nil: of everything, and the keeper.
  func processes(
    _ instance: Int?, _ cgroup: StackCgroup, _ layout: StackLayout
  ) throws(HostError) -> [HostProcess] {
    let pids: [Int32]
    if let marked {
      pids = marked.filter { mark, _ in
        mark.scratch == layout.scratch && (instance.map { mark.instance == "\($0)" } ?? true)
      }.flatMap(\.value)
    } else {
      pids = try cgroup.processes(instance.map(StackCgroup.leaf))
    }
    return pids.compactMap(HostProcess.read).filter { !$0.isZombie }
  }

  /// The environment of `pid` names this stack's scratch directory as its home.
  static func isMarked(_ pid: Int32, _ layout: StackLayout) -> Bool {
    mark(pid)?.scratch == layout.scratch
  }

  /// The port that the process was given; nil when it hides its environment.
  static func port(_ pid: Int32) -> Int? {
    let port = values(pid, ["VIRIDIAN_PORT"])[0].flatMap { Int($0) }
    return port.flatMap { (1...65_535).contains($0) ? $0 : nil }
  }

  private static func mark(_ pid: Int32) -> Mark? {
    let values = values(pid, ["HOME", "VIRIDIAN_INSTANCE", "VIRIDIAN_TASK", check])
    guard let scratch = values[0], values[1] != nil || values[2] != nil else { return nil }
    return Mark(scratch: scratch, instance: values[3] == nil ? values[1] : nil)
  }

  private static let check = KeeperPlan.checkMark.name

  private static func values(_ pid: Int32, _ names: [String]) -> [String?] {
    // Processes end while they are looked at, and other users' cannot be read: none of ours.
    let strings = (try? HostProcess.strings(pid, "environ")) ?? []
    return names.map { name in
      strings.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
  }
}
