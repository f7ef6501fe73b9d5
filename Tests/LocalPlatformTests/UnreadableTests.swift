import Glibc
import KeeperKit
import LocalPlatform
import Model
import Planning
import PlatformKit
import Support
import Testing

/// What really cannot be read is NOT_CHECKED with its reason, and hides nothing beside it.
@Suite struct UnreadableTests {
  @Test func `a file that the disk does not give hides no other`() async throws {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let before = try await rig.settledInspection(certificate)
      let layout = rig.layout(certificate)
      let bad = try BadFile("\(layout.release)/server.py")
      defer { bad.heal() }
      try change(mode: 0o777, "\(layout.release)/settings.json")
      let after = try await rig.platform.inspect(certificate)
      #expect(after.readings[file("server.py")]?.reason?.contains("Input/output error") == true)
      #expect(
        after.differences(from: before) == [file("server.py"), file("settings.json")])
      #expect(after.declared == before.declared)
    }
  }

  @Test func `a plan that the disk does not give is unread in every field, and nothing else is`()
    async throws
  {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let before = try await rig.settledInspection(certificate)
      let bad = try BadFile(rig.layout(certificate).plan)
      defer { bad.heal() }
      let after = try await rig.platform.inspect(certificate)
      let plan = before.readings.keys.filter { $0.pointer.hasPrefix("/plan/") }
      #expect(after.differences(from: before) == Set(plan))
      for field in plan {
        #expect(after.readings[field]?.reason?.contains("Input/output error") == true, "\(field)")
      }
      #expect(after.declared == before.declared)
    }
  }

  @Test func `a directory that is too deep to follow hides no other`() async throws {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let release = rig.layout(certificate).release
      var path = "\(release)/static"
      for _ in 0..<140 {
        path += "/d"
        try #require(mkdir(path, 0o755) == 0)
      }
      try change(mode: 0o777, "\(release)/settings.json")
      let after = try await rig.platform.inspect(certificate)
      let deepest = after.readings.filter { $0.value.isUnreadable }
      #expect(deepest.count == 1)
      #expect(deepest.first?.key.pointer.hasSuffix("/d/") == true)
      #expect(deepest.first?.value.reason?.contains("lies too deep") == true)
      #expect(after.readings[file("settings.json")] == .value("\(Digest.of("{}\n")), mode 777"))
    }
  }

  @Test func `without the record of a release no gate passes, and a change is still found`()
    async throws
  {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let before = try await rig.settledInspection(certificate)
      var trusted = PlannedTarget(certificate)
      var candidate = trusted
      trusted.stacks = try await rig.platform.observe().stacks
      candidate.stacks = trusted.stacks
      trusted.inspections[1] = .known(before)
      try trusted.rest(on: 1)
      try remove(rig.layout(certificate).manifest)
      try change(mode: 0o777, "\(rig.layout(certificate).release)/settings.json")
      let after = try await rig.platform.inspect(certificate)
      #expect(after.readings[FieldPath("release", "/manifest")] == .absent)
      #expect(!after.declared.keys.contains { $0.resource == "release" })

      trusted.inspections[1] = .known(after)
      let told = try trusted.pass().status.findings.map { "\($0.word.rawValue) \($0.path)" }
      #expect(
        told == ["NOT_CHECKED /files/", "MODIFIED /files/settings.json", "DELETED /manifest"])

      candidate.inspections[1] = .known(after)
      let plan = try candidate.pass()
      #expect(plan.record?.rollout?.phase == .gating)
      #expect(plan.status.explanation.contains { $0.contains("NOT_CHECKED") }, "\(plan.status)")
    }
  }

  @Test func `a plan changed or damaged by hand leads no traffic away`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      let before = try await rig.launched(launch)
      try rig.editPlan(launch.certificate) { $0.ports = [1] }
      #expect(try await rig.observation(launch.certificate) == before)
      try HostFile.write([0x7B], to: rig.layout(launch.certificate).plan)
      #expect(try await rig.observation(launch.certificate) == before)
      let after = try await rig.platform.inspect(launch.certificate)
      guard case .value(let text)? = after.readings[FieldPath("stack", "/plan/command")] else {
        Issue.record("the damage is not told")
        return
      }
      #expect(text.hasPrefix("unreadable: "))
    }
  }

  @Test func `fields of an instance that does not run are unread, not gone`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(instances: 2))
      try await rig.launched(launch)
      let before = try await rig.settledInspection(launch.certificate)
      try await rig.platform.setInstances(1, of: launch.certificate)
      let parked = try await rig.platform.inspect(launch.certificate)
      let second = before.readings.keys.filter { $0.resource == "instance/1" }
      for field in second { #expect(parked.readings[field] == .unreadable(reason: "is parked")) }
      #expect(second.count == 5)

      let process = try rig.process(launch.certificate, 0)
      try await rig.killKeeper(launch.certificate)
      kill(process.pid, SIGKILL)
      try await until("it is dead") { !process.isAlive }
      let dead = try await rig.platform.inspect(launch.certificate)
      for field in before.readings.keys where field.resource == "instance/0" {
        #expect(dead.readings[field] == .unreadable(reason: "does not run now"), "\(field)")
      }
      let foreign = FieldPath("stack", "/processes/foreign")
      #expect(dead.readings[foreign]?.reason?.hasPrefix("no keeper says") == true)
    }
  }

  @Test func `damaged secrets hide nothing and are not quoted`() async throws {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let before = try await rig.settledInspection(certificate)
      try HostFile.write(
        Array("correct-horse".utf8), to: try rig.secretFile(certificate), mode: 0o400)
      let after = try await rig.platform.inspect(certificate)
      let arguments = FieldPath("instance/0", "/argv")
      #expect(
        after.differences(from: before) == [arguments, FieldPath("secrets", "/values")])
      #expect(!"\(after)".contains("horse"))
    }
  }

  /// S23: what a program shows of its secrets stays hidden, whatever becomes of their file.
  @Test(arguments: ["kept", "changed", "removed", "damaged"])
  func `a secret in the arguments is never shown`(fate: String) async throws {
    try await Rig.with { rig in
      var sketch = StackSketch.complete()
      sketch.command = [
        "/bin/sh", "-c", #"exec /usr/bin/python3 server.py ${port} "--password=$PASSWORD""#,
      ]
      let launch = try rig.launch(sketch)
      try await rig.launched(launch)
      let path = try rig.secretFile(launch.certificate)
      let arguments = FieldPath("instance/0", "/argv")
      switch fate {
      case "kept":
        try await until("the program has replaced its shell") {
          let seen = try await rig.settledInspection(launch.certificate).readings[arguments]
          return "\(String(describing: seen))".contains("--password=${secret:file:password}")
        }
      case "changed":
        try HostFile.write(
          Array(#"{"secret:file:password":"other-horse"}"#.utf8), to: path, mode: 0o400)
      case "removed": try remove(path)
      default: try HostFile.write([0x7B], to: path, mode: 0o400)
      }
      let seen = try await rig.settledInspection(launch.certificate)
      #expect(!"\(seen)".contains("horse"), "\(seen.readings)")
      #expect(seen.readings[arguments]?.isUnreadable == (fate != "kept"))
    }
  }

  @Test func `a stack of which nothing can be read is not in sync, and is left alone`()
    async throws
  {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      var target = PlannedTarget(certificate)
      target.stacks = try await rig.platform.observe().stacks
      target.inspections[1] = .known(try await rig.settledInspection(certificate))
      try target.rest(on: 1)
      let directory = rig.layout(certificate).directory
      try #require(rename(directory, "\(directory)-away") == 0)
      do throws(PlatformError) {
        _ = try await rig.platform.inspect(certificate)
        Issue.record("a stack that is not there was read")
      } catch {
        target.inspections[1] = .unknown(reason: "\(error)")
      }
      try #require(rename("\(directory)-away", directory) == 0)
      let plan = try target.pass()
      #expect(plan.actions == [] && plan.record?.rollout == nil)
      #expect(plan.status.findings.map(\.word) == [.notChecked])
      #expect(plan.status.findings.first?.resource == "web-production-v001")
      #expect(plan.status.findings.first?.actual?.contains("no stack") == true)
    }
  }
}

private func file(_ path: String) -> FieldPath { field("release", "/files/\(path)") }

extension FieldReading {
  fileprivate var reason: String? {
    if case .unreadable(let reason) = self { return reason }
    return nil
  }
}

extension Inspection {
  fileprivate func differences(from other: Inspection) -> Set<FieldPath> {
    let fields = Set(readings.keys).union(other.readings.keys)
    return fields.filter { readings[$0] != other.readings[$0] }
  }
}
