import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite(.serialized) struct OwnershipTests {
  /// Every way in which a directory is not ours, each made beside nothing else.
  static let impostors: [(reason: String, make: @Sendable (Rig, BirthCertificate) throws -> Void)] =
    [
      (
        "has no certificate",
        { rig, certificate in
          try HostDirectory.make(rig.layout(certificate).directory)
        }
      ),
      (
        "cannot be read",
        { rig, certificate in
          try rig.plant(Array("{".utf8), at: certificate)
        }
      ),
      (
        "wrong MAC",
        { rig, certificate in
          var changed = certificate
          changed.version = "6.6.6"
          try rig.plant(try HostFile.json(changed), at: certificate)
        }
      ),
      (
        "wrong MAC",
        { rig, certificate in
          let other = try #require(IdentityKey(bytes: Array(repeating: 8, count: 32)))
          try rig.plant(try HostFile.json(other.sign(certificate)), at: certificate)
        }
      ),
      (
        "belongs to somebody",
        { rig, certificate in
          var changed = certificate
          changed.owner = "somebody"
          try rig.plant(try HostFile.json(rig.key.sign(changed)), at: certificate)
        }
      ),
      (
        "is that of mailer-production-v001",
        { rig, certificate in
          let other = try rig.launch(StackSketch(application: "mailer")).certificate
          try rig.plant(try HostFile.json(other), at: certificate)
        }
      ),
      (
        "another host",
        { rig, certificate in
          var changed = certificate
          changed.platformIdentity = "elsewhere"
          try rig.plant(try HostFile.json(rig.key.sign(changed)), at: certificate)
        }
      ),
      (
        "is not a directory",
        { rig, certificate in
          try #require(symlink("/etc", rig.layout(certificate).directory) == 0)
        }
      ),
      (
        "",
        { rig, certificate in
          let layout = rig.layout(certificate)
          try HostDirectory.make(layout.directory)
          try #require(symlink("/etc/passwd", layout.certificate) == 0)
        }
      ),
    ]

  @Test(arguments: impostors.indices)
  func `what bears a stack's name without its certificate is foreign and never touched`(
    index: Int
  ) async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      let impostor = Self.impostors[index]
      try impostor.make(rig, launch.certificate)
      let before = try rig.snapshot()
      let live = try await rig.platform.observe()
      #expect(live.stacks.isEmpty)
      let foreign = try #require(live.foreign.first)
      #expect(foreign.name == "web-production-v001")
      #expect(foreign.reason.contains(impostor.reason), "\(foreign.reason)")
      await #expect { try await rig.platform.ensure(launch) } throws: {
        guard case .rejected(fault: .platform, let text)? = $0 as? PlatformError else {
          return false
        }
        return text.hasPrefix("name taken: web-production-v001")
      }
      await #expect(throws: PlatformError.self) {
        try await rig.platform.retire(launch.certificate)
      }
      await #expect(throws: PlatformError.self) {
        try await rig.platform.setInstances(0, of: launch.certificate)
      }
      await #expect(throws: PlatformError.self) {
        try await rig.platform.inspect(launch.certificate)
      }
      #expect(try rig.snapshot() == before)
      #expect(try rig.processes().isEmpty)
    }
  }

  @Test func `a certificate that is tampered with after it was read is foreign`() async throws {
    try await Rig.with { rig in
      let certificate = try rig.launch().certificate
      try rig.plant(try HostFile.json(certificate), at: certificate)
      #expect(try await rig.platform.observe().stacks.count == 1)
      var changed = certificate
      changed.ledgerSequence = 2
      try rig.plant(try HostFile.json(changed), at: certificate)
      let live = try await rig.platform.observe()
      #expect(live.stacks.isEmpty)
      #expect(live.foreign.count == 1)
    }
  }

  @Test func `a certificate that is not signed by us launches nothing`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch()
      launch.certificate.version = "2.0.0"
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(launch) }
      #expect(try HostDirectory.list(rig.stacks).isEmpty)
    }
  }

  @Test func `another launch of the same stack finds its name taken`() async throws {
    try await Rig.with { rig in
      let first = try rig.launch().certificate
      try rig.plant(try HostFile.json(first), at: first)
      let second = try rig.launch(StackSketch(launch: "launch-2"))
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(second) }
      #expect(try await rig.observation(first)?.certificate == first)
    }
  }

  @Test func `a directory of stacks that vanishes is an error and not an empty host`() async throws
  {
    try await Rig.with { rig in
      #expect(try await rig.platform.observe() == LiveState())
      try HostDirectory.remove(rig.stacks)
      await #expect(throws: PlatformError.self) { try await rig.platform.observe() }
    }
  }

  @Test func `a thousand stacks are listed quickly again and again`() async throws {
    try await Rig.with { rig in
      for generation in 1...1000 {
        let certificate = try rig.launch(StackSketch(generation: generation)).certificate
        try HostDirectory.make(rig.layout(certificate).directory)
        try HostFile.write(
          try HostFile.json(certificate), to: rig.layout(certificate).certificate,
          isDurable: false)
      }
      #expect(try await rig.platform.observe().stacks.count == 1000)
      let clock = ContinuousClock()
      let took = try await clock.measure { _ = try await rig.platform.observe() }
      // Measured: far below a second; parsing all certificates anew takes longer.
      #expect(took < .seconds(2))
    }
  }
}

extension Rig {
  fileprivate func plant(_ bytes: [UInt8], at certificate: BirthCertificate) throws {
    try HostDirectory.make(layout(certificate).directory)
    try HostFile.write(bytes, to: layout(certificate).certificate)
  }

  /// Everything below `stacks/`, with times.
  fileprivate func snapshot(_ path: String? = nil) throws -> [String] {
    let path = path ?? stacks
    guard let status = try HostFile.status(path) else { return [] }
    var lines = ["\(path) \(status.st_mode) \(status.st_ino) \(status.st_mtim.tv_nsec)"]
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try HostDirectory.list(path) { lines += try snapshot("\(path)/\(name)") }
    }
    return lines
  }
}
