import KeeperKit
import LedgerKit
import LocalPlatform
import Model
import Planning
import PlatformKit
import Support
import Testing

/// Every field of a real stack is changed by hand in four situations; what the platform reads goes
/// through the planner, and what people see must be the four words of the table.
@Suite struct DriftTests {
  @Test func `an untouched stack reads as its spec declares, in every field`() async throws {
    try await Rig.with { rig in
      let inspection = try await rig.settledInspection(try await rig.completeStack())
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
      #expect(
        inspection.exhaustive
          == [FieldPath("stack", "/plan/check"), FieldPath("release", "/files")])
    }
  }

  @Test func `a check that somebody adds to a plan without one was added`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let check = FieldPath("stack", "/plan/check")
      let before = try await rig.platform.inspect(launch.certificate)
      #expect(before.readings[check] == .absent && before.declared[check] == nil)
      try rig.editPlan(launch.certificate) {
        $0.check = CheckOrder(command: ["x"], intervalMilliseconds: 1, timeoutMilliseconds: 2)
      }
      let fingerprint = Fingerprint(schema: before.schema, declared: before.declared, settled: [:])
      let findings = DriftComparison.findings(
        try await rig.platform.inspect(launch.certificate), against: fingerprint, ignoring: [],
        stack: "web")
      let found = findings.filter { $0.path == check.pointer }
      #expect(found.map(\.word) == [.added] && found[0].actual == #"["x"] 1 2"#)
    }
  }

  @Test func `every field of a fingerprint has a row, and every row has a field`() async throws {
    let changed = Set(driftTable.flatMap(\.rows).flatMap { $0.fields.keys })
    for field in changed {
      #expect(LocalPlatform.fields.contains { matches(field, $0) }, "\(field) is not listed")
    }
    try await Rig.with { rig in
      let inspection = try await rig.settledInspection(try await rig.completeStack())
      let release = FieldPath("release", "/files/**")
      for field in Set(inspection.readings.keys).union(inspection.declared.keys) {
        let hasRow = matches(field, release) || changed.contains(field)
        #expect(hasRow, "nobody changes \(field)")
      }
      #expect(changed.contains { matches($0, release) })
    }
  }

  @Test func `everything that a keeper is told is in the fingerprint`() {
    let plan = KeeperPlan(
      stack: "", version: "", archive: "", archiveSHA256: "", command: [], environment: [:],
      workingDirectory: nil, user: nil, limits: InstanceLimits(), ports: [], secrets: nil,
      drainMilliseconds: 0, cgroup: "", restart: RestartPolicy(), unpack: UnpackLimits())
    func pointers(_ value: Any, _ prefix: String) -> [String] {
      Mirror(reflecting: value).children.compactMap(\.label).map { "\(prefix)/\($0)" }
    }
    let wanted =
      pointers(plan, "/plan").filter { $0 != "/plan/limits" }
      + pointers(plan.limits, "/plan/limits")
    #expect(Set(wanted).isSubset(of: LocalPlatform.fields.map(\.pointer)))
  }

  @Test(.timeLimit(.minutes(1)), arguments: driftTable)
  func `a change by hand is found as it is, in every situation`(
    group: DriftGroup
  ) async throws {
    try await Rig.with { rig in
      let scene = try await DriftScene(rig)
      for row in group.rows {
        try await scene.quietly(row)
        try await scene.beforeTheGate(row)
      }
    }
  }

  @Test func `what drift.ignore names neither fails a gate nor is told`() async throws {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let cache = "\(rig.layout(certificate).release)/static"
      try HostFile.write([1], to: "\(cache)/page")
      for (ignored, isAccepted) in [(["/files/static/*"], true), ([], false)] {
        var target = PlannedTarget(certificate, ignoring: ignored)
        target.stacks = try await rig.platform.observe().stacks
        target.inspections[1] = .known(try await rig.settledInspection(certificate))
        let plan = try target.pass()
        let isFailed = plan.entries.contains { $0.message.contains("ADDED") }
        #expect(isFailed != isAccepted)
        guard isAccepted else { continue }
        try target.rest(on: 1)
        try HostFile.write([2], to: "\(cache)/page")
        target.inspections[1] = .known(try await rig.settledInspection(certificate))
        #expect(try target.pass().status.findings == [])
      }
    }
  }

  @Test func `a field that cannot be read hides no other, and nothing is replaced for it`()
    async throws
  {
    try await Rig.with { rig in
      let scene = try await DriftScene(rig)
      for field in scene.clean.readings.keys.sorted() { try await scene.blindly(field) }
    }
  }
}

/// `*` is one name, `**` any rest.
func matches(_ field: FieldPath, _ pattern: FieldPath) -> Bool {
  let parts = "\(field)".split(separator: "/")
  let wanted = "\(pattern)".split(separator: "/")
  for (index, part) in wanted.enumerated() {
    if part == "**" { return parts.count >= index }
    guard index < parts.count else { return false }
    if part.hasPrefix("*#") {
      guard parts[index].hasSuffix("#") else { return false }
    } else if parts[index] != part {
      return false
    }
  }
  return parts.count == wanted.count
}
