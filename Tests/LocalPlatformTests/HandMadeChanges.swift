import Foundation
import Glibc
import KeeperKit
import LocalPlatform
import Model
import Testing

let changes = planChanges + releaseChanges + secretChanges + processChanges

private func field(_ resource: String, _ pointer: String) -> FieldPath {
  FieldPath(resource, pointer)
}

/// A plan edited in place; the keeper that runs does not read it again.
private func edit(
  _ pointer: String, _ value: String, _ change: @escaping @Sendable (inout KeeperPlan) -> Void
) -> HandMadeChange {
  HandMadeChange(
    name: "plan \(pointer)", expected: [field("stack", "/plan/\(pointer)"): .value(value)]
  ) { rig, certificate in try rig.editPlan(certificate, change) }
}

private let planChanges = [
  edit("schema", "2") { $0.schema = 2 },
  edit("stack", "x") { $0.stack = "x" },
  edit("version", "6.6.6") { $0.version = "6.6.6" },
  edit("archiveSHA256", "00") { $0.archiveSHA256 = "00" },
  edit("environment", #"{"A":"b"}"#) { $0.environment = ["A": "b"] },
  edit("workingDirectory", "static") { $0.workingDirectory = "static" },
  edit("limits/memoryBytes", "none") { $0.limits.memoryBytes = nil },
  edit("limits/cpuMillis", "1") { $0.limits.cpuMillis = 1 },
  edit("limits/pids", "1") { $0.limits.pids = 1 },
  edit("secrets", "none") { $0.secrets = nil },
  edit("cgroup", "x") { $0.cgroup = "x" },
  edit("archive", "x") { $0.archive = "x" },
  edit("drainMilliseconds", "1") { $0.drainMilliseconds = 1 },
  edit("restart", "1 200 3 300000 60000") { $0.restart.firstDelayMilliseconds = 1 },
  edit("unpack", "1 4294967296 600") { $0.unpack.entries = 1 },
  HandMadeChange(
    name: "another port",
    expected: [
      field("stack", "/plan/ports"): .value("1 2"), field("stack", "/plan/instances"): .value("2"),
    ]
  ) { rig, certificate in try rig.editPlan(certificate) { $0.ports = [1, 2] } },
  HandMadeChange(
    name: "directory", expected: [field("stack", "/directory"): .value("mode 777, uid 0")]
  ) { rig, certificate in
    try #require(chmod(rig.layout(certificate).directory, 0o777) == 0)
  },
]

private let releaseChanges = [
  HandMadeChange(
    name: "content of a file", expected: [:],
    changed: [field("release", "/files/settings.json")]
  ) { rig, certificate in
    let path = "\(rig.layout(certificate).release)/settings.json"
    let before = try #require(try HostFile.status(path))
    // The same size, and the times put back: only the content and the change time differ.
    let file = try Descriptor(open: path, O_WRONLY)
    try #require(pwrite(file.number, "[]\n", 3, 0) == 3)
    var times = [before.st_atim, before.st_mtim]
    try #require(futimens(file.number, &times) == 0)
  },
  HandMadeChange(
    name: "mode of a file", expected: [:], changed: [field("release", "/files/static/a~0b.txt")]
  ) { rig, certificate in
    try #require(chmod("\(rig.layout(certificate).release)/static/a~b.txt", 0o4777) == 0)
  },
  HandMadeChange(
    name: "owner of a file", expected: [:], changed: [field("release", "/files/settings.json")]
  ) { rig, certificate in
    try #require(chown("\(rig.layout(certificate).release)/settings.json", 65_534, 0) == 0)
  },
  HandMadeChange(
    name: "a file is removed", expected: [field("release", "/files/settings.json"): .absent]
  ) { rig, certificate in
    try #require(unlink("\(rig.layout(certificate).release)/settings.json") == 0)
  },
  HandMadeChange(
    name: "a file is added", expected: [:], changed: [field("release", "/files/static/new")]
  ) { rig, certificate in
    try HostFile.write([1], to: "\(rig.layout(certificate).release)/static/new")
  },
  HandMadeChange(
    name: "a pipe takes a file's place", expected: [:],
    changed: [field("release", "/files/settings.json")]
  ) { rig, certificate in
    let path = "\(rig.layout(certificate).release)/settings.json"
    try #require(unlink(path) == 0 && mkfifo(path, 0o644) == 0)
  },
  HandMadeChange(
    name: "a link points elsewhere",
    expected: [field("release", "/files/current"): .value("link to /etc/passwd")]
  ) { rig, certificate in
    let path = "\(rig.layout(certificate).release)/current"
    try #require(unlink(path) == 0 && symlink("/etc/passwd", path) == 0)
  },
  HandMadeChange(
    name: "a directory is made", expected: [:], changed: [field("release", "/files/cache")]
  ) { rig, certificate in
    try #require(mkdir("\(rig.layout(certificate).release)/cache", 0o755) == 0)
  },
  HandMadeChange(
    name: "the record of the release", expected: [:], changed: [field("release", "/manifest")]
  ) { rig, certificate in
    let path = rig.layout(certificate).manifest
    let bytes = try #require(try HostFile.read(path))
    try HostFile.write(bytes + [0x0A], to: path)
  },
]

private let secretChanges = [
  HandMadeChange(
    name: "access to secrets", expected: [field("secrets", "/access"): .value("mode 444, uid 0")]
  ) { rig, _ in try #require(chmod(try rig.secretFile(), 0o444) == 0) },
  HandMadeChange(
    name: "value of a secret", expected: [:], changed: [field("secrets", "/values")]
  ) { rig, _ in
    try HostFile.write(
      Array(#"{"secret:file:password":"other-horse"}"#.utf8), to: try rig.secretFile(),
      mode: 0o400)
  },
  HandMadeChange(
    name: "secrets are removed",
    expected: [field("secrets", "/access"): .absent, field("secrets", "/values"): .absent]
  ) { rig, _ in try #require(unlink(try rig.secretFile()) == 0) },
]

/// What runs is changed by a keeper that somebody made read a changed plan.
private let processChanges = [
  HandMadeChange(
    name: "another command", expected: [:],
    changed: [
      field("stack", "/plan/command"), field("instance/0", "/argv"),
      field("instance/0", "/executable"),
    ]
  ) { rig, certificate in
    try await rig.restart(certificate) { $0.command = ["/bin/sleep", "1000"] }
  },
  HandMadeChange(
    name: "another environment", expected: [:],
    changed: [field("stack", "/plan/environment"), field("instance/0", "/environment")]
  ) { rig, certificate in
    try await rig.restart(certificate) { $0.environment["GREETING"] = "bye" }
  },
  HandMadeChange(
    name: "another user", expected: [field("stack", "/plan/user"): .value("nobody")],
    changed: [field("instance/0", "/user")]
  ) { rig, certificate in try await rig.restart(certificate) { $0.user = "nobody" } },
  HandMadeChange(
    name: "another directory",
    expected: [field("stack", "/plan/workingDirectory"): .value("static")],
    changed: [
      field("stack", "/plan/command"), field("instance/0", "/directory"),
      field("instance/0", "/argv"), field("instance/0", "/executable"),
    ]
  ) { rig, certificate in
    try await rig.restart(certificate) { plan in
      plan.command = ["/bin/sleep", "1000"]
      plan.workingDirectory = "static"
    }
  },
  HandMadeChange(
    name: "a limit of memory",
    expected: [field("instance/0", "/limits/memoryBytes"): .value("268435456")]
  ) { rig, certificate in
    try rig.setLimit(certificate, ["memory.memsw.limit_in_bytes"], "268435456", mayFail: true)
    try rig.setLimit(certificate, ["memory.limit_in_bytes", "memory.max"], "268435456")
  },
  HandMadeChange(
    name: "a limit of processes", expected: [field("instance/0", "/limits/pids"): .value("99")]
  ) { rig, certificate in try rig.setLimit(certificate, ["pids.max"], "99") },
  HandMadeChange(
    name: "a limit of processors", expected: [:],
    changed: [field("instance/0", "/limits/cpuMillis")]
  ) { rig, certificate in
    try rig.setLimit(certificate, ["cpu.cfs_quota_us", "cpu.max"], "99000")
  },
  HandMadeChange(
    name: "a strange process", expected: [:], changed: [field("stack", "/processes/foreign")]
  ) { rig, certificate in
    let stranger = Process()
    stranger.executableURL = URL(fileURLWithPath: "/bin/sleep")
    stranger.arguments = ["1000"]
    try stranger.run()
    let plan = try rig.plan(certificate)
    let unified = try #require(CgroupHost.current.unified)
    let file = try Descriptor(open: "\(unified)/\(plan.cgroup)/instance-0/cgroup.procs", O_WRONLY)
    let text = Array("\(stranger.processIdentifier)".utf8)
    try #require(write(file.number, text, text.count) == text.count)
  },
]

extension Rig {
  func plan(_ certificate: BirthCertificate) throws -> KeeperPlan {
    try #require(try HostFile.decode(KeeperPlan.self, from: layout(certificate).plan))
  }

  func editPlan(
    _ certificate: BirthCertificate, _ change: @Sendable (inout KeeperPlan) -> Void
  ) throws {
    var plan = try plan(certificate)
    change(&plan)
    try HostFile.write(try HostFile.json(plan), to: layout(certificate).plan)
  }

  func secretFile() throws -> String {
    "\(secretsDirectory)/\(try #require(try HostDirectory.list(secretsDirectory).first))"
  }

  /// Changes the plan and ends the keeper and the instance; the next keeper starts by it.
  func restart(
    _ certificate: BirthCertificate, _ change: @Sendable (inout KeeperPlan) -> Void
  ) async throws {
    try editPlan(certificate, change)
    let old = try process(certificate, 0)
    try await killKeeper(certificate)
    kill(old.pid, SIGKILL)
    try await until("the instance is dead") { !old.isAlive }
    try await platform.setInstances(1, of: certificate)
    try await until("another one runs") {
      let new = try self.status(certificate)?.instances[0].process
      return new != old && new?.isAlive == true
    }
  }

  /// Writes to the first of the files that one of the hierarchies has.
  func setLimit(
    _ certificate: BirthCertificate, _ names: [String], _ value: String, mayFail: Bool = false
  ) throws {
    let host = CgroupHost.current
    let group = try plan(certificate).cgroup
    for mount in Set(host.v1.values).sorted() + [host.unified].compactMap({ $0 }) {
      for name in names where access("\(mount)/\(group)/instance-0/\(name)", W_OK) == 0 {
        let file = try Descriptor(open: "\(mount)/\(group)/instance-0/\(name)", O_WRONLY)
        let bytes = Array(value.utf8)
        try #require(write(file.number, bytes, bytes.count) == bytes.count || mayFail)
        return
      }
    }
    try #require(mayFail)
  }
}
