import Glibc
import KeeperKit
import Model
import PlatformKit

/// What the processes of a stack are, and what the kernel holds them to.
struct InstanceFields: Sendable {
  /// Settled: programs choose their own title, and wrappers execute others.
  private static let settled = ["/argv", "/directory", "/environment", "/executable", "/user"]

  static let pointers =
    settled + ["/limits/cpuMillis", "/limits/memoryBytes", "/limits/pids"]

  let site: Site
  let files: StackFiles

  func read(
    _ certificate: BirthCertificate, _ spec: ProcessSpec, _ layout: StackLayout,
    _ sheet: inout Sheet
  ) {
    let instances = 0..<certificate.spec.instances
    for number in instances { readLimits(certificate, spec.limits, number, &sheet) }
    do throws(HostError) {
      let facts = try Observer(site: site, files: files).facts(certificate, try Census())
      for number in instances { readInstance(number, certificate, spec, facts, &sheet) }
      readStrangers(certificate, facts, layout, &sheet)
    } catch {
      for number in instances { sheet.giveUp(Self.settled(number), because: "\(error)") }
      sheet.giveUp([Self.foreign], because: "\(error)")
    }
  }

  private static let foreign = FieldPath("stack", "/processes/foreign")

  private static func settled(_ number: Int) -> [FieldPath] {
    settled.map { FieldPath("instance/\(number)", $0) }
  }

  private func readInstance(
    _ number: Int, _ certificate: BirthCertificate, _ spec: ProcessSpec, _ facts: StackFacts,
    _ sheet: inout Sheet
  ) {
    let process = facts.status.flatMap {
      $0.instances.count > number ? $0.instances[number].process : nil
    }
    guard number < facts.intended else {
      return sheet.giveUp(Self.settled(number), because: "is parked")
    }
    guard let process, process.isAlive, !Self.isHeld(process, facts) else {
      return sheet.giveUp(Self.settled(number), because: "does not run now")
    }
    readArguments(process.pid, number, certificate, spec, &sheet)
    readProcess(process.pid, "instance/\(number)", &sheet)
    guard !process.isAlive else { return }
    // What was read may be of nobody, or of another process with the same number.
    sheet.giveUp(Self.settled(number), because: "has just ended")
  }

  private func readArguments(
    _ pid: Int32, _ number: Int, _ certificate: BirthCertificate, _ spec: ProcessSpec,
    _ sheet: inout Sheet
  ) {
    let hasSecrets = !spec.secretKeys(certificate.spec).isEmpty
    sheet.read(FieldPath("instance/\(number)", "/argv")) { () throws(HostError) in
      let redaction =
        try hasSecrets ? redaction(of: pid, SecretFile(site, certificate)) : Redaction(nil)
      let argv = try HostProcess.strings(pid, "cmdline").map(redaction.apply)
      return CanonicalValue.array(argv.map { .string($0) }).json
    }
  }

  /// S23: a program may show its secrets in its arguments. Unless the file still holds those that
  /// the process was started with, nobody knows what to blank out, and nothing is shown.
  private func redaction(of pid: Int32, _ file: SecretFile) throws(HostError) -> Redaction {
    let values: [String: String]
    do throws(HostError) {
      values = try file.read() ?? [:]
    } catch {
      // The error of a decoder may quote what it could not read.
      guard error.code == 0 else { throw error }
      values = [:]
    }
    let environment = try HostProcess.strings(pid, "environ")
    let isCurrent = values.values.allSatisfy { value in
      environment.contains { $0.contains(value) }
    }
    guard !values.isEmpty, isCurrent else {
      throw .malformed(path: file.path, reason: "does not hold the secrets that the process has")
    }
    return Redaction(values)
  }

  private func readProcess(_ pid: Int32, _ resource: String, _ sheet: inout Sheet) {
    sheet.read(FieldPath(resource, "/executable")) { () throws(HostError) in
      try HostFile.linkTarget("/proc/\(pid)/exe")
    }
    sheet.read(FieldPath(resource, "/directory")) { () throws(HostError) in
      try HostFile.linkTarget("/proc/\(pid)/cwd")
    }
    sheet.read(FieldPath(resource, "/environment")) { () throws(HostError) in
      // Holds secrets: only a keyed hash of it leaves.
      let lines = try HostProcess.strings(pid, "environ").sorted().joined(separator: "\n")
      return site.key.code(of: Array(lines.utf8), purpose: "local/environment")
    }
    sheet.read(FieldPath(resource, "/user")) { () throws(HostError) in
      let text = try HostFile.text("/proc/\(pid)/status") ?? ""
      let lines = text.split(separator: "\n").filter {
        $0.hasPrefix("Uid:") || $0.hasPrefix("Gid:") || $0.hasPrefix("Groups:")
      }
      return lines.map { $0.split { " \t".contains($0) }.joined(separator: " ") }
        .joined(separator: "; ")
    }
  }

  /// A child that its keeper has not let go yet still is the keeper's own program: nothing of it
  /// says what will run. Asked first, because what was let go never comes back.
  private static func isHeld(_ process: ProcessIdentity, _ facts: StackFacts) -> Bool {
    guard let keeper = facts.status?.keeper, keeper.isAlive else { return false }
    do throws(HostError) {
      let program = try HostFile.linkTarget("/proc/\(process.pid)/exe")
      return try program == HostFile.linkTarget("/proc/\(keeper.pid)/exe")
    } catch {
      return true
    }
  }

  private func readLimits(
    _ certificate: BirthCertificate, _ limits: InstanceLimits, _ number: Int,
    _ sheet: inout Sheet
  ) {
    let cgroup = site.cgroup(certificate)
    func field(_ name: String) -> FieldPath { FieldPath("instance/\(number)", "/limits/\(name)") }
    let expected = cgroup.expectedLimits(limits, instance: number)
    for (name, value) in expected { sheet.declared[field(name)] = value }
    for name in limits.names {
      sheet.read(field(name)) { () throws(HostError) in
        guard expected[name] != nil else {
          // Not declared: a gate must not wait for what this host can never say.
          throw .malformed(path: name, reason: "no cgroup controller of this host holds to it")
        }
        return try cgroup.readLimits(limits, instance: number)[name]
      }
    }
  }

  /// Processes inside the stack's cgroup that nobody of the stack has started.
  private func readStrangers(
    _ certificate: BirthCertificate, _ facts: StackFacts, _ layout: StackLayout,
    _ sheet: inout Sheet
  ) {
    let cgroup = site.cgroup(certificate)
    guard cgroup.hasMembership else {
      // Not declared: a gate must not wait for what this host can never say.
      return sheet.giveUp([Self.foreign], because: "this host has no cgroup2 to ask")
    }
    sheet.declared[Self.foreign] = "none"
    guard let keeper = facts.status?.keeper, keeper.isAlive else {
      return sheet.giveUp([Self.foreign], because: "no keeper says which processes are its own")
    }
    sheet.read(Self.foreign) { () throws(HostError) in
      let inside = try cgroup.processes().compactMap(HostProcess.read).filter { !$0.isZombie }
      var family = Set((facts.status?.instances ?? []).compactMap { $0.process?.pid })
      family.insert(keeper.pid)
      // One that its keeper's predecessor started is nobody's child any more.
      family.formUnion(try TaskFiles(layout).running().map(\.pid))
      let strangers = inside.filter { process in
        !Self.descends(process, from: family) && !Census.isMarked(process.pid, layout)
      }
      let names = strangers.sorted { $0.pid < $1.pid }.map { "\($0.name) (pid \($0.pid))" }
      return names.isEmpty ? "none" : names.joined(separator: ", ")
    }
  }

  private static func descends(_ process: HostProcess, from family: Set<Int32>) -> Bool {
    var current = process
    // The chain of parents is short; the bound is for one that changes while it is followed.
    for _ in 0..<64 {
      if family.contains(current.pid) { return true }
      guard current.parent > 1, let parent = HostProcess.read(current.parent) else {
        return false
      }
      current = parent
    }
    return false
  }
}
