import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Support
import Testing

extension StackSketch {
  /// Uses everything that has a field; two generations differ only in how they are proven.
  static func complete(_ generation: Int = 1) -> StackSketch {
    StackSketch(
      generation: generation,
      environment: ["GREETING": "hello", "PASSWORD": "${secret:file:password}"],
      limits: ["memoryBytes": 134_217_728, "cpuMillis": 500, "pids": 64],
      secrets: ["password": "correct-horse"], launch: "launch-\(generation)",
      health: HealthGate(check: .command(["/bin/true"]), deadline: .seconds(60 + generation)))
  }
}

extension Rig {
  /// A launched stack that uses everything that has a field.
  func completeStack(_ generation: Int = 1) async throws -> BirthCertificate {
    let launch = try launch(.complete(generation))
    try await launched(launch)
    return launch.certificate
  }

  /// An inspection that a keeper is there for and whose instances run.
  func settledInspection(_ certificate: BirthCertificate) async throws -> Inspection {
    var last: Inspection?
    try await until("every process can be read") {
      let inspection = try await self.platform.inspect(certificate)
      // A process between its fork and its program shows its parent's arguments and environment.
      defer { last = inspection }
      guard inspection == last else { return false }
      return inspection.readings[FieldPath("stack", "/processes/foreign")]?.isUnreadable == false
        && inspection.readings[FieldPath("instance/0", "/user")]?.isUnreadable == false
    }
    return try #require(last)
  }

  /// An inspection on a host that does not let these fields be read.
  func inspection(
    _ certificate: BirthCertificate, refusing fields: Set<FieldPath>
  ) async throws -> Inspection {
    let blind = LocalPlatform(
      name: "local", settings: settings, key: key, owner: owner
    ) { fields.contains($0) ? "cannot read it: Input/output error" : nil }
    return try await blind.inspect(certificate)
  }

  func editPlan(
    _ certificate: BirthCertificate, _ change: @Sendable (inout KeeperPlan) -> Void
  ) throws {
    let path = layout(certificate).plan
    var plan = try #require(try HostFile.decode(KeeperPlan.self, from: path))
    change(&plan)
    try HostFile.write(try HostFile.json(plan), to: path)
  }

  /// Where its secrets are, or were: named like its cgroup.
  func secretFile(_ certificate: BirthCertificate) throws -> String {
    let name = try #require(try cgroup(certificate).split(separator: "/").last)
    return "\(secretsDirectory)/\(name).json"
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
}

extension FieldReading {
  var isUnreadable: Bool {
    if case .unreadable = self { return true }
    return false
  }
}

/// The files of a stack as they were, to put them back after a change.
struct Keepsake {
  private let copies: TemporaryDirectory
  private let places: [String: String]
  private let directory: (path: String, mode: UInt32)

  init(_ rig: Rig, _ certificate: BirthCertificate) throws {
    let layout = rig.layout(certificate)
    copies = try TemporaryDirectory()
    places = [
      "release": layout.release, "plan": layout.plan, "manifest": layout.manifest,
      "secrets": try rig.secretFile(certificate),
    ]
    let status = try #require(try HostFile.status(layout.directory))
    directory = (layout.directory, status.st_mode & 0o7777)
    for (name, place) in places { try Tool.run(["cp", "-a", place, copies.path(name)]) }
  }

  /// The release itself stays the same directory: the instance works in it.
  func putBack() throws {
    for (name, place) in places {
      guard name == "release" else {
        try HostDirectory.remove(place)
        try Tool.run(["cp", "-a", copies.path(name), place])
        continue
      }
      for child in try HostDirectory.list(place) { try HostDirectory.remove("\(place)/\(child)") }
      try Tool.run(["cp", "-a", "\(copies.path(name))/.", place])
    }
    try change(mode: directory.mode, directory.path)
    try change(owner: 0, directory.path)
  }
}
