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
  ) throws(HostError) {
    let facts = try Observer(site: site, files: files).facts(certificate, try Census())
    let redaction = try Redaction(SecretFile(site, certificate).read())
    for number in 0..<certificate.spec.instances {
      let recorded = facts.status.flatMap {
        $0.instances.count > number ? $0.instances[number].process : nil
      }
      if number < facts.intended, let recorded, recorded.isAlive, !Self.isHeld(recorded, facts) {
        readProcess(recorded, "instance/\(number)", redaction, &sheet)
        readLimits(certificate, spec.limits, number, &sheet)
      } else {
        let reason = number < facts.intended ? "does not run now" : "is parked"
        for pointer in Self.settled {
          sheet.readings[FieldPath("instance/\(number)", pointer)] = .unreadable(reason: reason)
        }
      }
    }
    readStrangers(certificate, facts, layout, &sheet)
  }

  private func readProcess(
    _ process: ProcessIdentity, _ resource: String, _ redaction: Redaction,
    _ sheet: inout Sheet
  ) {
    let pid = process.pid
    sheet.read(FieldPath(resource, "/argv")) { () throws(HostError) in
      let argv = try HostProcess.strings(pid, "cmdline").map(redaction.apply)
      return CanonicalValue.array(argv.map { .string($0) }).json
    }
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
    guard !process.isAlive else { return }
    // What was read may be of nobody, or of another process with the same number.
    for pointer in Self.settled {
      sheet.readings[FieldPath(resource, pointer)] = .unreadable(reason: "has just ended")
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
    do throws(HostError) {
      let found = try cgroup.readLimits(limits, instance: number)
      for name in expected.keys {
        sheet.readings[field(name)] = found[name].map { .value($0) } ?? .absent
      }
    } catch {
      for name in expected.keys {
        sheet.readings[field(name)] = .unreadable(reason: "\(error)")
      }
    }
  }

  /// Processes inside the stack's cgroup that nobody of the stack has started.
  private func readStrangers(
    _ certificate: BirthCertificate, _ facts: StackFacts, _ layout: StackLayout,
    _ sheet: inout Sheet
  ) {
    let field = FieldPath("stack", "/processes/foreign")
    let cgroup = site.cgroup(certificate)
    guard cgroup.hasMembership else {
      // Not declared: a gate must not wait for what this host can never say.
      sheet.readings[field] = .unreadable(reason: "this host has no cgroup2 to ask")
      return
    }
    sheet.declared[field] = "none"
    guard let keeper = facts.status?.keeper, keeper.isAlive else {
      sheet.readings[field] = .unreadable(reason: "no keeper says which processes are its own")
      return
    }
    sheet.read(field) { () throws(HostError) in
      let inside = try cgroup.processes().compactMap(HostProcess.read).filter { !$0.isZombie }
      var family = Set((facts.status?.instances ?? []).compactMap { $0.process?.pid })
      family.insert(keeper.pid)
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
