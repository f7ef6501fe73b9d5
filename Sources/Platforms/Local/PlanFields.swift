import KeeperKit
import Model
import PlatformKit

/// The plan a keeper runs by: what the spec says is declared, what only the launch knew is
/// settled.
struct PlanFields: Sendable {
  /// A value that the plan leaves out.
  private static let none = "none"

  /// Every field of a plan.
  static let pointers: [String] = {
    let plan = KeeperPlan(
      stack: "", version: "", archive: "", archiveSHA256: "", command: [], environment: [:],
      workingDirectory: nil, user: nil, limits: InstanceLimits(), ports: [], secrets: nil,
      drainMilliseconds: 0, cgroup: "", restart: RestartPolicy(), unpack: UnpackLimits(),
      check: CheckOrder(command: [], intervalMilliseconds: 0, timeoutMilliseconds: 0))
    return (Array(declared(plan).keys) + Array(settled(plan).keys)).sorted()
  }()

  let site: Site

  func read(
    _ certificate: BirthCertificate, _ spec: ProcessSpec, _ layout: StackLayout,
    _ sheet: inout Sheet
  ) {
    let archive = certificate.resolved.first { $0.reference.key == "artifact:\(spec.artifact)" }
    let text = archive.map { String($0.identity.dropFirst("sha256:".count)) } ?? ""
    let details = LaunchDetails(
      archive: ArtifactFile(path: "", sha256: Digest(hex: text) ?? Digest.of("")),
      ports: Array(repeating: 0, count: certificate.spec.instances), drainMilliseconds: 0)
    for (pointer, value) in Self.declared(site.plan(certificate, spec, details)) {
      sheet.declared[FieldPath("stack", pointer)] = value
    }
    let values = Self.values(of: layout)
    for pointer in Self.pointers {
      sheet.read(FieldPath("stack", pointer)) { () throws(HostError) in
        try values.get()[pointer]
      }
    }
  }

  /// By pointer; none when there is no plan.
  private static func values(of layout: StackLayout) -> Result<[String: String], HostError> {
    do throws(HostError) {
      guard let plan = try HostFile.decode(KeeperPlan.self, from: layout.plan) else {
        return .success([:])
      }
      return .success(declared(plan).merging(settled(plan)) { declared, _ in declared })
    } catch {
      guard error.code == 0 else { return .failure(error) }
      // Damaged by hand is a difference, not a gap in what can be read.
      let pairs = pointers.map { ($0, "unreadable: \(error)") }
      return .success(Dictionary(pairs) { first, _ in first })
    }
  }

  static func declared(_ plan: KeeperPlan) -> [String: String] {
    let environment = plan.environment.mapValues { CanonicalValue.string($0) }
    var fields = [
      "/plan/schema": String(plan.schema), "/plan/stack": plan.stack,
      "/plan/version": plan.version, "/plan/archiveSHA256": plan.archiveSHA256,
      "/plan/command": CanonicalValue.array(plan.command.map { .string($0) }).json,
      "/plan/environment": CanonicalValue.object(environment).json,
      "/plan/workingDirectory": plan.workingDirectory ?? none,
      "/plan/user": plan.user ?? none,
      "/plan/limits/memoryBytes": plan.limits.memoryBytes.map { String($0) } ?? none,
      "/plan/limits/cpuMillis": plan.limits.cpuMillis.map { String($0) } ?? none,
      "/plan/limits/pids": plan.limits.pids.map { String($0) } ?? none,
      "/plan/instances": String(plan.ports.count), "/plan/secrets": plan.secrets ?? none,
      "/plan/cgroup": plan.cgroup,
    ]
    // Absent without one, as from plans of before there were any: so nothing is new about those.
    fields[check] = plan.check.map { check in
      let words = CanonicalValue.array(check.command.map { .string($0) }).json
      return "\(words) \(check.intervalMilliseconds) \(check.timeoutMilliseconds)"
    }
    return fields
  }

  /// Listed in full: one that is not declared was added.
  static let check = "/plan/check"

  static func settled(_ plan: KeeperPlan) -> [String: String] {
    let restart = plan.restart
    let unpack = plan.unpack
    return [
      "/plan/archive": plan.archive,
      "/plan/ports": plan.ports.map { String($0) }.joined(separator: " "),
      "/plan/drainMilliseconds": String(plan.drainMilliseconds),
      "/plan/restart": [
        restart.firstDelayMilliseconds, restart.longestDelayMilliseconds,
        restart.restartsInWindow, restart.windowMilliseconds, restart.loopingDelayMilliseconds,
      ].map { String($0) }.joined(separator: " "),
      "/plan/unpack": [unpack.entries, unpack.bytes, unpack.deadlineSeconds]
        .map { String($0) }.joined(separator: " "),
    ]
  }
}
