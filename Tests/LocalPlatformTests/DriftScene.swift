import KeeperKit
import LedgerKit
import LocalPlatform
import Model
import Planning
import PlatformKit
import Support
import Testing

/// A stack that serves and one that is to follow it, both real, in front of the planner.
struct DriftScene {
  let rig: Rig
  /// Of the serving stack, untouched.
  let clean: Inspection
  private let cleanCandidate: Inspection
  private let stable: BirthCertificate
  private let candidate: BirthCertificate
  private let stacks: [StackObservation]
  private let kept: [Generation: Keepsake]
  /// The first stack serves and is trusted; nothing else is there.
  private let serving: PlannedTarget

  init(_ rig: Rig) async throws {
    self.rig = rig
    stable = try await rig.completeStack(1)
    candidate = try await rig.completeStack(2)
    clean = try await rig.settledInspection(stable)
    cleanCandidate = try await rig.settledInspection(candidate)
    stacks = try await rig.platform.observe().stacks
    kept = [1: try Keepsake(rig, stable), 2: try Keepsake(rig, candidate)]
    var target = PlannedTarget(stable)
    target.stacks = stacks.filter { $0.id.generation == 1 }
    target.inspections[1] = .known(clean)
    try target.rest(on: 1)
    serving = target
  }

  // MARK: - The stable stack is changed

  func quietly(_ row: HandMadeChange) async throws {
    let expected = try expectations(row, stable, before: clean)
    try await row.make(rig, stable)
    let changed = try await inspection(after: row, stable, before: clean)
    let findings = try findings(row, stable, expected)
    #expect(changed.declared == clean.declared, "\(row.name)")
    try whileNothingHappens(row, changed, findings)
    try duringARollout(row, changed, findings)
    try await whileItCannotBeRead(row, findings)
    try await undo(row, stable)
    // What was started again may be read in the middle of that.
    try await until("\(row.name) is undone") {
      try await self.rig.platform.inspect(self.stable) == self.clean
    }
  }

  /// What was started again may be read in the middle of that, twice alike: for a while it is read once
  /// more until it is as the table says.
  private func inspection(
    after row: HandMadeChange, _ certificate: BirthCertificate, before: Inspection
  ) async throws -> Inspection {
    var wanted = before.readings
    for (field, change) in row.fields { wanted[field] = try change.actual.of(rig, certificate) }
    let end = ContinuousClock.now + .seconds(3)
    while true {
      let seen = try await rig.settledInspection(certificate)
      let isThere = wanted.allSatisfy { (seen.readings[$0.key] ?? .absent) == $0.value }
      if isThere || ContinuousClock.now > end { return seen }
    }
  }

  /// It is said, and a clean stack takes its place.
  private func whileNothingHappens(
    _ row: HandMadeChange, _ changed: Inspection, _ findings: [Finding]
  ) throws {
    var target = serving
    target.inspections[1] = .known(changed)
    let plan = try target.pass()
    #expect(plan.status.findings == findings, "\(row.name)")
    #expect(plan.status.sync == .outOfSync, "\(row.name)")
    #expect(plan.record?.rollout?.cause == .drift, "\(row.name)")
    guard case .ensure(let order)? = plan.actions.first else {
      Issue.record("\(row.name): \(plan.actions) instead of a launch")
      return
    }
    #expect(order.stackDigest == stable.stackDigest)
    let real = try #require(findings.first { $0.word != .notChecked })
    #expect(plan.entries.contains { $0.message.contains(real.description) }, "\(row.name)")
    #expect(plan.alerts.contains { $0.reason == "DriftDetected" }, "\(row.name)")
  }

  /// It is said, the rollout goes on, and the changed stack is never trusted again.
  private func duringARollout(
    _ row: HandMadeChange, _ changed: Inspection, _ findings: [Finding]
  ) throws {
    var target = serving
    target.begin(candidate)
    target.stacks = stacks
    target.sick = [2]
    target.inspections = [1: .known(changed), 2: .known(cleanCandidate)]
    let plan = try target.pass()
    #expect(plan.status.findings == findings, "\(row.name)")
    #expect(plan.record?.rollout?.candidate == 2, "\(row.name)")
    #expect(plan.record?.rollout?.phase == .gating, "\(row.name)")

    var promoted = target
    promoted.sick = []
    try promoted.rest(on: 2)
    _ = try promoted.pass()
    #expect(promoted.record.stacks[1]?.hasDrifted != false, "\(row.name): a rollback would use it")

    var reverted = target
    reverted.declare(stable)
    try reverted.go { $0.rollout?.cause == .drift }
  }

  /// NOT_CHECKED, with the reason; what else is changed is still found, and alone it is no reason
  /// to replace anything.
  private func whileItCannotBeRead(_ row: HandMadeChange, _ findings: [Finding]) async throws {
    for field in row.fields.keys {
      let seen = try await rig.inspection(stable, refusing: [field])
      let index = try #require(findings.firstIndex { $0.isAbout(field) })
      var expected = findings
      expected[index] = Finding(
        word: .notChecked, resource: findings[index].resource, path: findings[index].path,
        expected: findings[index].expected, actual: "cannot read it: Input/output error")
      var target = serving
      target.inspections[1] = .known(seen)
      let plan = try target.pass()
      // With a directory all that lies in it is unread too.
      let told = plan.status.findings.filter { !$0.path.hasPrefix("\(field.pointer)/") }
      #expect(told == expected, "\(row.name): \(field)")
      let isDrift = expected.contains { $0.word != .notChecked }
      #expect((plan.record?.rollout != nil) == isDrift, "\(row.name): \(field)")
      #expect(plan.status.sync == (isDrift ? .outOfSync : .synced), "\(row.name): \(field)")
    }
  }

  // MARK: - The candidate is changed between its launch and its gate

  /// What the spec demands fails the gate with the four words; what only the process says is
  /// settled by then (decision 0007).
  func beforeTheGate(_ row: HandMadeChange) async throws {
    let expected = try expectations(row, candidate, before: cleanCandidate)
    try await row.make(rig, candidate)
    let changed = try await inspection(after: row, candidate, before: cleanCandidate)
    let findings = try findings(row, candidate, expected)
    var target = serving
    target.begin(candidate)
    target.stacks = stacks
    target.inspections[2] = .known(changed)
    let plan = try target.pass()
    let demanded = findings.filter { finding in
      finding.word == .added || changed.declared.keys.contains { finding.isAbout($0) }
    }
    if demanded.isEmpty {
      #expect(plan.record?.rollout?.phase == .shifting, "\(row.name)")
      for field in row.fields.keys {
        guard case .value(let text) = changed.readings[field] else { continue }
        #expect(target.fingerprints[2]?.settled[field] == text, "\(row.name): \(field)")
      }
    } else {
      let said = plan.entries.map(\.message).joined()
      #expect(said.contains("takes v002 back (stackFault)"), "\(row.name): \(said)")
      #expect(demanded.contains { said.contains($0.description) }, "\(row.name): \(said)")
      let plans = try [plan] + target.go { $0.rollout == nil }
      #expect(plans.allSatisfy { $0.status.weight(of: 2) == 0 }, "\(row.name): it had traffic")
      #expect(target.record.quarantined[candidate.stackDigest]?.generation == 2, "\(row.name)")
      #expect(target.record.stable == 1 && target.fingerprints[2] == nil, "\(row.name)")
    }
    try await undo(row, candidate)
  }

  // MARK: - One field after the other cannot be read

  /// Two changes were made; whatever cannot be read is said, and what remains of them is found.
  func blindly(_ field: FieldPath) async throws {
    let stack = "web-production-v001"
    let schema = FieldPath("stack", "/plan/schema")
    let file = FieldPath("release", "/files/static/a~0b.txt")
    try rig.editPlan(stable) { $0.schema = 2 }
    try change(mode: 0o777, "\(rig.layout(stable).release)/static/a~b.txt")
    var target = serving
    target.inspections[1] = .known(try await rig.inspection(stable, refusing: [field]))
    let findings = try target.pass().status.findings
    // With a directory everything in it is unread.
    let unread = clean.readings.keys.filter {
      $0 == field || ($0.resource == field.resource && $0.pointer.hasPrefix("\(field.pointer)/"))
    }
    #expect(
      Set(findings.filter { $0.word == .notChecked }.map(\.path)) == Set(unread.map(\.pointer)))
    let real = findings.filter { $0.word == .modified }.map { "\($0.resource)#\($0.path)" }
    let changed = Set([schema, file]).subtracting(unread).map { "\(stack) \($0)" }
    #expect(Set(real) == Set(changed), "\(field)")
    #expect(findings.allSatisfy { $0.word == .notChecked || $0.word == .modified }, "\(field)")
    try kept[1]?.putBack()
  }

  // MARK: - Rows

  private func expectations(
    _ row: HandMadeChange, _ certificate: BirthCertificate, before: Inspection
  ) throws -> [FieldPath: FieldReading] {
    var expected: [FieldPath: FieldReading] = [:]
    for (field, change) in row.fields {
      let found = before.readings[field] ?? .absent
      expected[field] = try change.expected?.of(rig, certificate) ?? found
      #expect(found == expected[field], "\(row.name): \(field) before the change")
    }
    return expected
  }

  /// What people must be told, in its order.
  private func findings(
    _ row: HandMadeChange, _ certificate: BirthCertificate, _ expected: [FieldPath: FieldReading]
  ) throws -> [Finding] {
    try row.fields.sorted { $0.key < $1.key }.map { field, change in
      let actual = try change.actual.of(rig, certificate)
      let word: Finding.Word =
        switch (expected[field], actual) {
        case (_, .unreadable): .notChecked
        case (.absent, _): .added
        case (_, .absent): .deleted
        default: .modified
        }
      return Finding(
        word: word, resource: "\(certificate.stack.name()) \(field.resource)",
        path: field.pointer, expected: expected[field]?.text, actual: actual.text)
    }
  }

  private func undo(_ row: HandMadeChange, _ certificate: BirthCertificate) async throws {
    try kept[certificate.stack.generation]?.putBack()
    try await row.undo(rig, certificate)
  }
}

extension FieldReading {
  fileprivate var text: String? {
    switch self {
    case .value(let text), .unreadable(let text): text
    case .absent: nil
    }
  }
}

extension Finding {
  fileprivate func isAbout(_ field: FieldPath) -> Bool {
    resource.hasSuffix(" \(field.resource)") && path == field.pointer
  }
}

extension TargetStatus {
  fileprivate func weight(of generation: Generation) -> Int {
    stacks.first { $0.generation == generation }?.weightPercent ?? 0
  }
}
