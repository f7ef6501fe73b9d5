import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

private func file(_ path: String) -> FieldPath { field("release", "/files/\(path)") }

/// A change of `release/settings.json`.
private func settings(
  _ name: String, _ actual: Reading, _ make: @escaping @Sendable (String) throws -> Void
) -> HandMadeChange {
  HandMadeChange(
    name: name, fields: [file("settings.json"): .init(Reading(text: "{}\n"), actual)]
  ) { rig, certificate in try make("\(rig.layout(certificate).release)/settings.json") }
}

/// Something new in the release.
private func addition(
  _ path: String, _ actual: Reading, _ make: @escaping @Sendable (String) throws -> Void
) -> HandMadeChange {
  HandMadeChange(name: "\(path) is added", fields: [file(path): .init(.absent, actual)]) {
    rig, certificate in try make("\(rig.layout(certificate).release)/\(path)")
  }
}

let releaseChanges: [HandMadeChange] = [
  settings("content of a file", Reading(text: "[]\n")) { path in
    let before = try #require(try HostFile.status(path))
    // The same size, and the times put back: only the content and the change time differ.
    let file = try Descriptor(open: path, O_WRONLY)
    try #require(pwrite(file.number, "[]\n", 3, 0) == 3)
    var times = [before.st_atim, before.st_mtim]
    try #require(futimens(file.number, &times) == 0)
  },
  settings("mode of a file", Reading(text: "{}\n", mode: "4777")) { try change(mode: 0o4777, $0) },
  settings("owner of a file", Reading(text: "{}\n", mode: "444, uid 65534")) {
    try change(owner: 65_534, $0)
  },
  settings("a file is removed", .absent) { try remove($0) },
  settings("a pipe takes a file's place", "a special file (type 10000)") { path in
    try remove(path)
    try #require(mkfifo(path, 0o644) == 0)
  },
  settings("a directory takes a file's place", "directory, mode 755") { path in
    try remove(path)
    try #require(mkdir(path, 0o755) == 0)
  },
  settings("a link takes a file's place", "link to /etc/passwd") { path in
    try remove(path)
    try #require(symlink("/etc/passwd", path) == 0)
  },
  HandMadeChange(
    name: "a file with a tilde in its name",
    fields: [file("static/a~0b.txt"): .init(Reading(text: "hello\n"), .absent)]
  ) { rig, certificate in try remove("\(rig.layout(certificate).release)/static/a~b.txt") },
  HandMadeChange(
    name: "mode of a directory",
    fields: [file("static"): .init("directory, mode 555", "directory, mode 777")]
  ) { rig, certificate in
    try change(mode: 0o777, "\(rig.layout(certificate).release)/static")
  },
  HandMadeChange(
    name: "a link points elsewhere",
    fields: [file("current"): .init("link to settings.json", "link to /etc/passwd")]
  ) { rig, certificate in
    let path = "\(rig.layout(certificate).release)/current"
    try remove(path)
    try #require(symlink("/etc/passwd", path) == 0)
  },
  addition("static/new", Reading(text: "x", mode: "600")) {
    try HostFile.write(Array("x".utf8), to: $0)
  },
  addition("cache", "directory, mode 755") { try #require(mkdir($0, 0o755) == 0) },
  addition("static/link", "link to a~b.txt") { try #require(symlink("a~b.txt", $0) == 0) },
  HandMadeChange(
    name: "the record of the release",
    fields: [
      field("release", "/manifest"): .init(
        Reading { try $0.manifestDigest($1) }, Reading { try $0.manifestDigest($1) })
    ]
  ) { rig, certificate in
    let path = rig.layout(certificate).manifest
    let bytes = try #require(try HostFile.read(path))
    try HostFile.write(bytes + [0x0A], to: path)
  },
]

private let access = field("secrets", "/access")
private let values = field("secrets", "/values")
private let arguments = field("instance/0", "/argv")

/// Without the secrets nobody knows what must not be shown of the arguments.
private let hidden = HandMadeChange.Change(
  nil, .unreadable { "\(try $0.secretFile($1)): does not hold the secrets that the process has" })

let secretChanges: [HandMadeChange] = [
  HandMadeChange(
    name: "access to the secrets",
    fields: [access: .init("mode 400, uid 0", "mode 444, uid 0")]
  ) { rig, certificate in try change(mode: 0o444, try rig.secretFile(certificate)) },
  HandMadeChange(
    name: "owner of the secrets",
    fields: [access: .init("mode 400, uid 0", "mode 400, uid 65534")]
  ) { rig, certificate in try change(owner: 65_534, try rig.secretFile(certificate)) },
  HandMadeChange(
    name: "value of a secret",
    fields: [
      values: .init(Reading(secret: "correct-horse"), Reading(secret: "other-horse")),
      arguments: hidden,
    ]
  ) { rig, certificate in
    let text = #"{"secret:file:password":"other-horse"}"#
    try HostFile.write(Array(text.utf8), to: try rig.secretFile(certificate), mode: 0o400)
  },
  HandMadeChange(
    name: "the secrets are removed",
    fields: [
      access: .init("mode 400, uid 0", .absent),
      values: .init(Reading(secret: "correct-horse"), .absent), arguments: hidden,
    ]
  ) { rig, certificate in try remove(try rig.secretFile(certificate)) },
]

extension Reading {
  /// A file of the release with this content.
  init(text: String, mode: String = "444") {
    self.init { _, _ in "\(Digest.of(text)), mode \(mode)" }
  }

  /// The secrets' file: only a keyed hash of it may be shown.
  init(secret: String) {
    self.init { rig, _ in
      rig.key.code(
        of: Array(#"{"secret:file:password":"\#(secret)"}"#.utf8), purpose: "local/secrets")
    }
  }
}

extension Rig {
  func manifestDigest(_ certificate: BirthCertificate) throws -> String {
    "\(Digest.of(try #require(try HostFile.read(layout(certificate).manifest))))"
  }
}
