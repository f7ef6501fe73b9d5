import Foundation
import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Support
import Testing

private func settled(_ name: String) -> FieldPath { field("instance/0", "/\(name)") }

private let sleep = #"["/bin/sleep","1000"]"#
private let serve: Reading = #"["/usr/bin/python3","server.py","${port}"]"#

private let argv = Reading { #"["/usr/bin/python3","server.py","\#(try $0.port($1))"]"# }
private let python = Reading { _, _ in
  URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath().path
}
private let sleeper = Reading { _, _ in
  URL(filePath: "/bin/sleep").resolvingSymlinksInPath().path
}

/// What runs is changed by a keeper that somebody made read a changed plan.
private func restarted(
  _ name: String, _ fields: [FieldPath: HandMadeChange.Change],
  _ change: @escaping @Sendable (inout KeeperPlan) -> Void
) -> HandMadeChange {
  HandMadeChange(name: name, fields: fields) { rig, certificate in
    try await rig.restart(certificate, change)
  } undo: { rig, certificate in
    try await rig.restart(certificate) { _ in }
  }
}

let processChanges: [HandMadeChange] = [
  restarted(
    "another command",
    [
      field("stack", "/plan/command"): .init(serve, Reading { _, _ in sleep }),
      settled("argv"): .init(argv, Reading { _, _ in sleep }),
      settled("executable"): .init(python, sleeper),
    ]
  ) { $0.command = ["/bin/sleep", "1000"] },
  restarted(
    "another environment",
    [
      field("stack", "/plan/environment"): .init(
        nil, #"{"GREETING":"bye","PASSWORD":"${secret:file:password}"}"#),
      settled("environment"): .init(
        Reading { try $0.environmentCode($1) }, Reading { try $0.environmentCode($1) }),
    ]
  ) { $0.environment["GREETING"] = "bye" },
  restarted(
    "another user",
    [
      field("stack", "/plan/user"): .init("none", "nobody"),
      settled("user"): .init(
        Reading { _, _ in "Uid: 0 0 0 0; Gid: 0 0 0 0; \(groups)" },
        "Uid: 65534 65534 65534 65534; Gid: 65534 65534 65534 65534; Groups: 65534"),
    ]
  ) { $0.user = "nobody" },
  restarted(
    "another directory",
    [
      field("stack", "/plan/workingDirectory"): .init("none", "static"),
      field("stack", "/plan/command"): .init(serve, Reading { _, _ in sleep }),
      settled("directory"): .init(
        Reading { $0.layout($1).release }, Reading { "\($0.layout($1).release)/static" }),
      settled("argv"): .init(argv, Reading { _, _ in sleep }),
      settled("executable"): .init(python, sleeper),
    ]
  ) { plan in
    plan.command = ["/bin/sleep", "1000"]
    plan.workingDirectory = "static"
  },
  HandMadeChange(
    name: "a strange process",
    fields: [
      field("stack", "/processes/foreign"): .init(
        "none", Reading { "sleep (pid \(try $0.stranger($1)))" })
    ]
  ) { rig, certificate in
    let null = "/dev/null"
    let pid = try Tool.spawn(
      ["sleep", "1000"], environment: [:], input: null, output: null, error: null)
    try await until("it is called sleep") { HostProcess.read(pid)?.name == "sleep" }
    try rig.write("\(pid)", to: try rig.unifiedDirectory(certificate) + "/cgroup.procs")
  } undo: { rig, certificate in
    let pid = try rig.stranger(certificate)
    kill(pid, SIGKILL)
    Tool.wait(pid)
  },
]

let limitChanges: [HandMadeChange] = [
  limit("memoryBytes", "134217728", "268435456") { rig, certificate in
    try rig.setLimit(certificate, ["memory.memsw.limit_in_bytes"], "268435456", mayFail: true)
    try rig.setLimit(certificate, ["memory.limit_in_bytes", "memory.max"], "268435456")
  } undo: { rig, certificate in
    try rig.setLimit(certificate, ["memory.limit_in_bytes", "memory.max"], "134217728")
    try rig.setLimit(certificate, ["memory.memsw.limit_in_bytes"], "134217728", mayFail: true)
  },
  limit("pids", "64", "99") {
    try $0.setLimit($1, ["pids.max"], "99")
  } undo: {
    try $0.setLimit($1, ["pids.max"], "64")
  },
  limit("cpuMillis", "50000 100000", "99000 100000") {
    try $0.setLimit($1, ["cpu.cfs_quota_us", "cpu.max"], "99000")
  } undo: {
    try $0.setLimit($1, ["cpu.cfs_quota_us", "cpu.max"], "50000")
  },
  limit("cpuMillis", "50000 100000", "50000 50000") {
    try $0.setLimit($1, ["cpu.cfs_period_us"], "50000", else: ["cpu.max": "50000 50000"])
  } undo: {
    try $0.setLimit($1, ["cpu.cfs_period_us"], "100000", else: ["cpu.max": "50000 100000"])
  },
]

private func limit(
  _ name: String, _ expected: Reading, _ actual: Reading,
  make: @escaping @Sendable (Rig, BirthCertificate) throws -> Void,
  undo: @escaping @Sendable (Rig, BirthCertificate) throws -> Void
) -> HandMadeChange {
  HandMadeChange(
    name: "limit of \(name)", fields: [settled("limits/\(name)"): .init(expected, actual)],
    make: make, undo: undo)
}

/// The groups of whoever runs the tests, which an instance without a `user` keeps.
private var groups: String {
  let text = (try? HostFile.text("/proc/self/status")) ?? nil
  let line = (text ?? "").split(separator: "\n").first { $0.hasPrefix("Groups:") } ?? ""
  return line.split { " \t".contains($0) }.joined(separator: " ")
}

extension Rig {
  /// What the instance itself was started with.
  func environmentCode(_ certificate: BirthCertificate) throws -> String {
    let pid = try process(certificate, 0).pid
    let lines = try HostProcess.strings(pid, "environ").sorted().joined(separator: "\n")
    return key.code(of: Array(lines.utf8), purpose: "local/environment")
  }

  func port(_ certificate: BirthCertificate) throws -> String {
    let strings = try HostProcess.strings(try process(certificate, 0).pid, "environ")
    let line = try #require(strings.first { $0.hasPrefix("VIRIDIAN_PORT=") })
    return String(line.dropFirst("VIRIDIAN_PORT=".count))
  }

  func cgroup(_ certificate: BirthCertificate) throws -> String {
    let unified = try #require(CgroupHost.current.unified)
    let names = try HostDirectory.list("\(unified)/viridian/\(owner)")
    let name = try #require(names.first { $0.hasPrefix(certificate.stack.name() + "-") })
    return "viridian/\(owner)/\(name)"
  }

  func unifiedDirectory(_ certificate: BirthCertificate) throws -> String {
    let unified = try #require(CgroupHost.current.unified)
    return "\(unified)/\(try cgroup(certificate))/instance-0"
  }

  /// The one process of the instance's cgroup that is not the instance.
  func stranger(_ certificate: BirthCertificate) throws -> Int32 {
    let instance = try process(certificate, 0).pid
    let all = try StackCgroup(path: try cgroup(certificate)).processes(StackCgroup.leaf(0))
    return try #require(all.first { $0 != instance })
  }

  func write(_ text: String, to path: String) throws {
    let file = try Descriptor(open: path, O_WRONLY)
    let bytes = Array(text.utf8)
    try #require(Glibc.write(file.number, bytes, bytes.count) == bytes.count, "\(path)")
  }

  /// Writes to the first of the files that one of the hierarchies has.
  func setLimit(
    _ certificate: BirthCertificate, _ names: [String], _ value: String, mayFail: Bool = false,
    else others: [String: String] = [:]
  ) throws {
    let host = CgroupHost.current
    let group = try cgroup(certificate)
    for (name, text) in names.map({ ($0, value) }) + others.map({ ($0, $1) }) {
      for mount in Set(host.v1.values).sorted() + [host.unified].compactMap({ $0 }) {
        let path = "\(mount)/\(group)/instance-0/\(name)"
        guard access(path, W_OK) == 0 else { continue }
        do { return try write(text, to: path) } catch { try #require(mayFail, "\(error)") }
        return
      }
    }
    try #require(mayFail, "no hierarchy has \(names)")
  }
}
