import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

/// One change made by hand and what an inspection must read because of it, and only because of it.
struct HandMadeChange: Sendable {
  var name: String
  var expected: [FieldPath: FieldReading]
  /// Fields whose new value is not known in advance: it must differ.
  var changed: Set<FieldPath> = []
  var make: @Sendable (Rig, BirthCertificate) async throws -> Void
}

@Suite struct DriftTests {
  /// Uses everything that has a field.
  static let sketch = StackSketch(
    environment: ["GREETING": "hello", "PASSWORD": "${secret:file:password}"],
    limits: ["memoryBytes": 134_217_728, "cpuMillis": 500, "pids": 64],
    secrets: ["password": "correct-horse"])

  @Test func `an untouched stack reads as its spec declares, in every field`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(Self.sketch)
      try await rig.launched(launch)
      let inspection = try await rig.settledInspection(launch.certificate)
      for (field, value) in inspection.declared {
        #expect(inspection.readings[field] == .value(value), "\(field)")
      }
      for (field, reading) in inspection.readings {
        guard case .value = reading else {
          Issue.record("\(field) is \(reading)")
          continue
        }
        #expect(LocalPlatform.fields.contains { matches(field, $0) }, "\(field) is not listed")
      }
      for pattern in LocalPlatform.fields {
        #expect(inspection.readings.keys.contains { matches($0, pattern) }, "\(pattern)")
      }
      #expect(inspection.exhaustive == [FieldPath("release", "/files/")])
    }
  }

  @Test func `every field that is read is changed by hand in one of these tests`() {
    for pattern in LocalPlatform.fields {
      let fields = changes.flatMap { Set($0.expected.keys).union($0.changed) }
      #expect(fields.contains { matches($0, pattern) }, "nobody changes \(pattern)")
    }
  }

  @Test(arguments: changes.indices)
  func `a change made by hand is read exactly, and nothing else with it`(
    index: Int
  ) async throws {
    let change = changes[index]
    try await Rig.with { rig in
      let launch = try rig.launch(Self.sketch)
      try await rig.launched(launch)
      let before = try await rig.settledInspection(launch.certificate)
      try await change.make(rig, launch.certificate)
      let after = try await rig.settledInspection(launch.certificate)
      let fields = Set(before.readings.keys).union(after.readings.keys)
      let different = fields.filter { before.readings[$0] != after.readings[$0] }
      let wanted = Set(change.expected.keys).union(change.changed)
      #expect(different == wanted, "\(change.name)")
      for (field, reading) in change.expected {
        #expect(after.readings[field] == reading, "\(change.name): \(field)")
      }
      #expect(after.declared == before.declared)
    }
  }

  @Test func `without the record of a release nothing is called added or gone`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      try HostDirectory.remove(rig.layout(launch.certificate).manifest)
      let after = try await rig.platform.inspect(launch.certificate)
      #expect(after.readings[FieldPath("release", "/manifest")] == .absent)
      #expect(after.exhaustive == [])
      #expect(!after.declared.keys.contains { $0.resource == "release" })
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
      try await rig.platform.setInstances(1, of: launch.certificate)
      let after = try await rig.platform.inspect(launch.certificate)
      let field = FieldPath("instance/1", "/argv")
      #expect(after.readings[field] == .unreadable(reason: "is parked"))
    }
  }
}

/// `*` is one name, `**` any rest.
private func matches(_ field: FieldPath, _ pattern: FieldPath) -> Bool {
  let parts = "\(field)".split(separator: "/")
  let wanted = "\(pattern)".split(separator: "/")
  for (index, part) in wanted.enumerated() {
    if part == "**" { return parts.count > index }
    guard index < parts.count else { return false }
    if part.hasPrefix("*#") {
      guard parts[index].hasSuffix("#") else { return false }
    } else if parts[index] != part {
      return false
    }
  }
  return parts.count == wanted.count
}

extension Rig {
  /// An inspection that a keeper is there for and whose instances run.
  func settledInspection(_ certificate: BirthCertificate) async throws -> Inspection {
    var last: Inspection?
    try await until("every field can be read") {
      let inspection = try await self.platform.inspect(certificate)
      last = inspection
      return !inspection.readings.values.contains {
        if case .unreadable = $0 { return true }
        return false
      }
    }
    return try #require(last)
  }
}
