import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

/// One change that a person makes by hand, and what must be said because of it, and only because
/// of it.
struct HandMadeChange: Sendable {
  var name: String
  var fields: [FieldPath: Change]
  var make: @Sendable (Rig, BirthCertificate) async throws -> Void
  /// What `Rig.putBack` does not undo.
  var undo: @Sendable (Rig, BirthCertificate) async throws -> Void = { _, _ in }

  /// `expected` is asked before the change is made, nil: what another row expects; `actual` after.
  struct Change: Sendable {
    var expected: Reading?
    var actual: Reading
    init(_ expected: Reading?, _ actual: Reading) {
      self.expected = expected
      self.actual = actual
    }
  }
}

/// What a field must read, which may depend on the stack.
struct Reading: Sendable, ExpressibleByStringLiteral {
  var of: @Sendable (Rig, BirthCertificate) throws -> FieldReading

  init(stringLiteral text: String) { of = { _, _ in .value(text) } }
  init(_ text: @escaping @Sendable (Rig, BirthCertificate) throws -> String) {
    of = { .value(try text($0, $1)) }
  }
  private init(of: @escaping @Sendable (Rig, BirthCertificate) throws -> FieldReading) {
    self.of = of
  }

  static let absent = Reading { _, _ in FieldReading.absent }
  static func unreadable(
    _ reason: @escaping @Sendable (Rig, BirthCertificate) throws -> String
  ) -> Reading {
    Reading { FieldReading.unreadable(reason: try reason($0, $1)) }
  }
}

/// Rows that follow each other on the same stacks.
struct DriftGroup: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var rows: [HandMadeChange]
}

/// Every field of a stack, changed by hand in at least one row. An instance that is restarted too
/// often is left alone for a while, so rows that restart it have stacks of their own.
let driftTable: [DriftGroup] =
  [
    DriftGroup(testDescription: "plan", rows: planChanges),
    DriftGroup(testDescription: "release", rows: releaseChanges),
    DriftGroup(testDescription: "secrets", rows: secretChanges),
    DriftGroup(testDescription: "limits", rows: limitChanges),
  ] + processChanges.map { DriftGroup(testDescription: $0.name, rows: [$0]) }

func field(_ resource: String, _ pointer: String) -> FieldPath { FieldPath(resource, pointer) }

// MARK: - The plan

/// A plan edited in place; the keeper that runs does not read it again.
private func edit(
  _ pointer: String, _ expected: Reading, _ actual: Reading,
  _ change: @escaping @Sendable (inout KeeperPlan) -> Void
) -> HandMadeChange {
  HandMadeChange(
    name: "plan \(pointer)", fields: [field("stack", "/plan/\(pointer)"): .init(expected, actual)]
  ) { rig, certificate in try rig.editPlan(certificate, change) }
}

private let planChanges: [HandMadeChange] =
  restartChanges + unpackChanges + [
    edit("schema", "1", "2") { $0.schema = 2 },
    edit("stack", Reading { $1.stack.name() }, "x") { $0.stack = "x" },
    edit("version", "1.0.0", "6.6.6") { $0.version = "6.6.6" },
    edit("archive", Reading { rig, _ in "\(rig.directory)/artifact.tar.gz" }, "x") {
      $0.archive = "x"
    },
    edit("archiveSHA256", Reading { String($1.resolved[0].identity.dropFirst(7)) }, "00") {
      $0.archiveSHA256 = "00"
    },
    edit(
      "command", #"["/usr/bin/python3","server.py","${port}"]"#, #"["/bin/sleep","1000"]"#
    ) { $0.command = ["/bin/sleep", "1000"] },
    edit(
      "environment", Reading { $1.spec.workload["environment"]?.json ?? "" }, #"{"A":"b"}"#
    ) { $0.environment = ["A": "b"] },
    edit("workingDirectory", "none", "static") { $0.workingDirectory = "static" },
    edit("check", #"["/bin/true"] 1000 2000"#, #"["/bin/false"] 1000 2000"#) {
      $0.check?.command = ["/bin/false"]
    },
    edit("user", "none", "nobody") { $0.user = "nobody" },
    edit("limits/memoryBytes", "134217728", "none") { $0.limits.memoryBytes = nil },
    edit("limits/cpuMillis", "500", "1") { $0.limits.cpuMillis = 1 },
    edit("limits/pids", "64", "1") { $0.limits.pids = 1 },
    edit("secrets", Reading { try $0.secretFile($1) }, "none") { $0.secrets = nil },
    edit("cgroup", Reading { try $0.cgroup($1) }, "x") { $0.cgroup = "x" },
    edit("drainMilliseconds", "2000", "1") { $0.drainMilliseconds = 1 },
    edit("ports", Reading { try $0.port($1) }, "1") { $0.ports = [1] },
    HandMadeChange(
      name: "one more instance",
      fields: [
        field("stack", "/plan/ports"): .init(Reading { try $0.port($1) }, "1 2"),
        field("stack", "/plan/instances"): .init("1", "2"),
      ]
    ) { rig, certificate in try rig.editPlan(certificate) { $0.ports = [1, 2] } },
    HandMadeChange(
      name: "the plan is removed",
      fields: Dictionary(
        uniqueKeysWithValues: planPointers.map { (field("stack", $0), .init(nil, .absent)) })
    ) { rig, certificate in try remove(rig.layout(certificate).plan) },
    directory("mode 777, uid 0") { try change(mode: 0o777, $0) },
    directory("mode 711, uid 65534") { try change(owner: 65_534, $0) },
  ]

/// Every number of the restart policy, and of the bounds of an archive.
private let restartChanges = [
  edit("restart", restart, "1 200 3 300000 60000") { $0.restart.firstDelayMilliseconds = 1 },
  edit("restart", restart, "50 1 3 300000 60000") { $0.restart.longestDelayMilliseconds = 1 },
  edit("restart", restart, "50 200 1 300000 60000") { $0.restart.restartsInWindow = 1 },
  edit("restart", restart, "50 200 3 1 60000") { $0.restart.windowMilliseconds = 1 },
  edit("restart", restart, "50 200 3 300000 1") { $0.restart.loopingDelayMilliseconds = 1 },
]
private let restart: Reading = "50 200 3 300000 60000"

private let unpackChanges = [
  edit("unpack", unpack, "1 4294967296 600") { $0.unpack.entries = 1 },
  edit("unpack", unpack, "50000 1 600") { $0.unpack.bytes = 1 },
  edit("unpack", unpack, "50000 4294967296 1") { $0.unpack.deadlineSeconds = 1 },
]
private let unpack: Reading = "50000 4294967296 600"

/// As the fields are listed, so that a plan that is gone is gone in all of them.
private let planPointers = LocalPlatform.fields.map(\.pointer).filter { $0.hasPrefix("/plan/") }

private func directory(
  _ actual: Reading, _ change: @escaping @Sendable (String) throws -> Void
) -> HandMadeChange {
  HandMadeChange(
    name: "the stack's directory",
    fields: [field("stack", "/directory"): .init("mode 711, uid 0", actual)]
  ) { rig, certificate in try change(rig.layout(certificate).directory) }
}

// MARK: - Files

func change(mode: UInt32, _ path: String) throws { try #require(chmod(path, mode) == 0) }
func change(owner: UInt32, _ path: String) throws { try #require(lchown(path, owner, 0) == 0) }
func remove(_ path: String) throws { try #require(unlink(path) == 0) }
