import CHost
import Glibc

/// Limits of one instance.
package struct InstanceLimits: Hashable, Codable, Sendable {
  package var memoryBytes: Int?
  package var cpuMillis: Int?
  package var pids: Int?
  package init(memoryBytes: Int? = nil, cpuMillis: Int? = nil, pids: Int? = nil) {
    self.memoryBytes = memoryBytes
    self.cpuMillis = cpuMillis
    self.pids = pids
  }

  /// The limits that are set, as `StackCgroup.readLimits` names them.
  package var names: [String] {
    [
      memoryBytes == nil ? nil : "memoryBytes", cpuMillis == nil ? nil : "cpuMillis",
      pids == nil ? nil : "pids",
    ].compactMap { $0 }
  }
}

/// Where this host's control groups are mounted and can be written.
package struct CgroupHost: Hashable, Sendable {
  /// The cgroup2 mount: membership and killing.
  package var unified: String?
  /// v1 controllers by name: limits, where v2 does not carry them.
  package var v1: [String: String] = [:]
  /// Controllers that v2 itself offers.
  package var v2Controllers: Set<String> = []

  package init(
    unified: String? = nil, v1: [String: String] = [:], v2Controllers: Set<String> = []
  ) {
    self.unified = unified
    self.v1 = v1
    self.v2Controllers = v2Controllers
  }

  /// Looks once; a host's mounts do not change under a running agent.
  package static let current = detect()

  private static func detect() -> CgroupHost {
    var host = CgroupHost()
    let mounts = ((try? HostFile.text("/proc/self/mounts")) ?? nil) ?? ""
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count > 3, access(fields[1], W_OK) == 0 else { continue }
      let options = Set(fields[3].split(separator: ",").map(String.init))
      guard options.contains("rw") else { continue }
      if fields[2] == "cgroup2" { host.unified = host.unified ?? fields[1] }
      if fields[2] == "cgroup" {
        for name in ["memory", "pids", "cpu"] where options.contains(name) {
          host.v1[name] = host.v1[name] ?? fields[1]
        }
      }
    }
    if let unified = host.unified {
      let text = ((try? HostFile.text("\(unified)/cgroup.controllers")) ?? nil) ?? ""
      host.v2Controllers = Set(text.split(separator: " ").map(String.init))
    }
    return host
  }
}

/// What has a leaf of its own in the control group of its stack.
package enum CgroupLeaf: Hashable, Sendable {
  case instance(Int)
  case task(String)
  /// The health check of an instance.
  case check(Int)

  package var name: String {
    switch self {
    case .instance(let number): "instance-\(number)"
    case .task(let name): "task-\(name)"
    case .check(let number): "check-\(number)"
    }
  }
}

/// The control group of one stack, with a leaf of its own for each instance, its
/// health check, and each task.
package struct StackCgroup: Sendable {
  package let host: CgroupHost
  /// `viridian/<owner>/<stack name>-<launch>`.
  package let path: String
  package init(path: String, host: CgroupHost = .current) {
    self.path = path
    self.host = host
  }

  package static func leaf(_ instance: Int) -> String { CgroupLeaf.instance(instance).name }

  /// Membership can be read and everything inside can be killed.
  package var hasMembership: Bool { host.unified != nil }

  /// Makes the leaf; the answer is the files that a process joins it by.
  package func make(_ leaf: String, limits: InstanceLimits) throws(HostError) -> [String] {
    var files: [String] = []
    if let unified = host.unified {
      try HostDirectory.make("\(unified)/\(path)", mode: 0o755)
      try enableControllers(unified)
      try HostDirectory.make("\(unified)/\(path)/\(leaf)", mode: 0o755)
      files.append("\(unified)/\(path)/\(leaf)/cgroup.procs")
    }
    for controller in Self.controllers(limits) {
      guard !host.v2Controllers.contains(controller), let mount = host.v1[controller] else {
        continue
      }
      try HostDirectory.make("\(mount)/\(path)/\(leaf)", mode: 0o755)
      files.append("\(mount)/\(path)/\(leaf)/cgroup.procs")
    }
    for setting in settings(limits, leaf) {
      // The second of a pair of v1 limits cannot be set where swap is not accounted for.
      do throws(HostError) {
        try Self.write(setting.value, to: setting.file)
      } catch {
        guard setting.isOptional else { throw error }
      }
    }
    return files
  }

  private static func controllers(_ limits: InstanceLimits) -> [String] {
    [
      limits.memoryBytes == nil ? nil : "memory", limits.pids == nil ? nil : "pids",
      limits.cpuMillis == nil ? nil : "cpu",
    ].compactMap { $0 }
  }

  private func enableControllers(_ unified: String) throws(HostError) {
    let wanted = host.v2Controllers.intersection(["memory", "pids", "cpu"])
    guard !wanted.isEmpty else { return }
    let text = wanted.sorted().map { "+\($0)" }.joined(separator: " ")
    var directory = unified
    try Self.write(text, to: "\(directory)/cgroup.subtree_control")
    for part in path.split(separator: "/") {
      directory += "/\(part)"
      try Self.write(text, to: "\(directory)/cgroup.subtree_control")
    }
  }

  /// One file that carries a limit.
  struct Setting {
    var field: String
    var file: String
    var value: String
    var isOptional = false
  }

  /// Period of the CPU quota: the kernel's default.
  private static let cpuPeriodMicroseconds = 100_000

  func settings(_ limits: InstanceLimits, _ leaf: String) -> [Setting] {
    var settings: [Setting] = []
    func add(_ controller: String, _ field: String, v2: (String, String), v1: [(String, String)]) {
      if host.v2Controllers.contains(controller), let mount = host.unified {
        settings.append(
          Setting(field: field, file: "\(mount)/\(path)/\(leaf)/\(v2.0)", value: v2.1))
      } else if let mount = host.v1[controller] {
        for (name, value) in v1 {
          settings.append(
            Setting(
              field: field, file: "\(mount)/\(path)/\(leaf)/\(name)", value: value,
              isOptional: name.contains(".memsw.")))
        }
      }
    }
    if let bytes = limits.memoryBytes {
      let text = String(bytes)
      add(
        "memory", "memoryBytes", v2: ("memory.max", text),
        v1: [("memory.limit_in_bytes", text), ("memory.memsw.limit_in_bytes", text)])
    }
    if let pids = limits.pids {
      add("pids", "pids", v2: ("pids.max", String(pids)), v1: [("pids.max", String(pids))])
    }
    if let millis = limits.cpuMillis {
      let quota = max(1000, millis * Self.cpuPeriodMicroseconds / 1000)
      let period = String(Self.cpuPeriodMicroseconds)
      add(
        "cpu", "cpuMillis", v2: ("cpu.max", "\(quota) \(period)"),
        v1: [("cpu.cfs_quota_us", String(quota)), ("cpu.cfs_period_us", period)])
    }
    return settings
  }

  /// The limits as the kernel has them now, as text by field; a field without a controller is
  /// missing. What v1 keeps in two files reads as v2 says it: `50000 100000`.
  package func readLimits(
    _ limits: InstanceLimits, instance: Int
  ) throws(HostError) -> [String: String] {
    var found: [String: String] = [:]
    for setting in settings(limits, Self.leaf(instance)) where !setting.isOptional {
      guard let text = try HostFile.text(setting.file) else { continue }
      found[setting.field] = found[setting.field].map { "\($0) \(text)" } ?? text
    }
    return found
  }

  /// What `readLimits` should give: the kernel rounds memory down to whole pages.
  package func expectedLimits(_ limits: InstanceLimits, instance: Int) -> [String: String] {
    var found: [String: String] = [:]
    for setting in settings(limits, Self.leaf(instance)) where !setting.isOptional {
      let bytes = setting.field == "memoryBytes" ? Int(setting.value) : nil
      let text = bytes.map { String($0 / 4096 * 4096) } ?? setting.value
      found[setting.field] = found[setting.field].map { "\($0) \(text)" } ?? text
    }
    return found
  }

  /// Processes inside the leaf, or inside the whole group when nil; no zombies.
  package func processes(_ leaf: String? = nil) throws(HostError) -> [Int32] {
    guard let unified = host.unified else { return [] }
    return try Self.members("\(unified)/\(path)" + (leaf.map { "/\($0)" } ?? ""))
  }

  private static func members(_ directory: String) throws(HostError) -> [Int32] {
    let text: String?
    do throws(HostError) {
      text = try HostFile.text("\(directory)/cgroup.procs")
    } catch  where error.code == ENODEV {
      return []
    }
    guard let text else { return [] }
    var pids = text.split(separator: "\n").compactMap { Int32($0) }
    for name in try HostDirectory.list(directory) where !name.contains(".") {
      pids += try members("\(directory)/\(name)")
    }
    return pids
  }

  /// Kills everything inside at once, children that left their group included.
  package func kill(_ leaf: String? = nil) throws(HostError) {
    guard let unified = host.unified else { return }
    let file = "\(unified)/\(path)" + (leaf.map { "/\($0)" } ?? "") + "/cgroup.kill"
    guard try HostFile.exists(file) else { return }
    try Self.write("1", to: file)
  }

  /// Removes one empty leaf everywhere; throws EBUSY while something runs inside.
  package func remove(_ leaf: String) throws(HostError) {
    for mount in Set([host.unified].compactMap { $0 } + host.v1.values).sorted() {
      try Self.removeTree("\(mount)/\(path)/\(leaf)")
    }
  }

  /// Removes the empty group everywhere; throws EBUSY while something runs inside.
  package func remove() throws(HostError) {
    for mount in Set([host.unified].compactMap { $0 } + host.v1.values).sorted() {
      try Self.removeTree("\(mount)/\(path)")
      // The owner's group goes with its last stack; that it is not empty is no error.
      rmdir(HostFile.parent(of: "\(mount)/\(path)"))
    }
  }

  private static func removeTree(_ directory: String) throws(HostError) {
    for name in try HostDirectory.list(directory) {
      let child = "\(directory)/\(name)"
      guard let status = try HostFile.status(child), status.st_mode & S_IFMT == S_IFDIR else {
        continue
      }
      try removeTree(child)
    }
    guard rmdir(directory) == 0 || errno == ENOENT else {
      throw .system(what: "cannot remove the cgroup \(directory)", errno: errno)
    }
  }

  private static func write(_ text: String, to path: String) throws(HostError) {
    let file = try Descriptor(open: path, O_WRONLY)
    let bytes = Array(text.utf8)
    guard Glibc.write(file.number, bytes, bytes.count) == bytes.count else {
      throw .system(what: "cannot write \(text) to \(path)", errno: errno)
    }
  }
}
