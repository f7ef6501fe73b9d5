import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite struct SecretTests {
  private static let canary = "canary-5f2b7c"

  @Test func `a secret reaches the instance and nothing else that can be read`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          environment: [
            "GREETING": "hello", "PASSWORD": "<${secret:file:password}>",
          ], secrets: ["password": Self.canary]))
      let observed = try await rig.launched(launch)
      let port = try #require(observed.endpoints.first?.port)
      try await until("it knows its secret") { get(port, "/PASSWORD") == "<\(Self.canary)>" }
      let layout = rig.layout(launch.certificate)
      #expect(try Self.files(holding: Self.canary, below: rig.directory).isEmpty)
      let file = try #require(try HostDirectory.list(rig.secretsDirectory).first)
      let status = try #require(try HostFile.status("\(rig.secretsDirectory)/\(file)"))
      #expect(status.st_mode & 0o7777 == 0o400)
      for pid in try rig.processes() {
        let arguments = try HostProcess.strings(pid, "cmdline").joined()
        #expect(!arguments.contains(Self.canary))
      }
      let inspection = try await rig.platform.inspect(launch.certificate)
      #expect(!String(describing: inspection).contains(Self.canary))
      #expect(!String(describing: observed).contains(Self.canary))
      #expect(!String(describing: launch).contains(Self.canary))
      #expect(try HostFile.exists(layout.keeperLog))
    }
  }

  @Test func `what an instance logs of its secret is blanked out when it is shown`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          command: ["/bin/sh", "-c", "echo it is $PASSWORD; exec sleep 1000"],
          environment: ["PASSWORD": "${secret:file:password}"],
          secrets: ["password": Self.canary]))
      try await rig.launched(launch)
      try await until("it is shown") {
        try await rig.platform.logs(launch.certificate, lines: 1).map(\.text)
          == ["it is ${secret:file:password}"]
      }
    }
  }

  @Test func `a secret in the command is refused as the stack's fault`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          command: ["./x", "${secret:file:password}"], secrets: ["password": Self.canary]))
      await #expect { try await rig.platform.ensure(launch) } throws: {
        guard case .rejected(fault: .stack, _)? = $0 as? PlatformError else { return false }
        return true
      }
    }
  }

  @Test func `a secret that a reboot lost is written again, and waited for until then`()
    async throws
  {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(secrets: ["password": Self.canary]))
      try await rig.launched(launch)
      let before = try await rig.platform.inspect(launch.certificate)
      try HostDirectory.remove(rig.secretsDirectory)
      let lost = try await rig.platform.inspect(launch.certificate)
      #expect(lost.readings[FieldPath("secrets", "/values")] == .absent)
      let sketch = StackSketch(secrets: ["password": Self.canary])
      let without = try rig.launch(sketch, handsOverInputs: false)
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(without) }
      try await rig.platform.ensure(launch)
      #expect(try await rig.platform.inspect(launch.certificate).readings == before.readings)
    }
  }

  @Test func `a secrets directory that somebody else made is not used`() async throws {
    try await Rig.with { rig in
      try #require(mkdir(rig.secretsDirectory, 0o777) == 0)
      chmod(rig.secretsDirectory, 0o777)
      let launch = try rig.launch(StackSketch(secrets: ["password": Self.canary]))
      await #expect { try await rig.platform.ensure(launch) } throws: {
        guard case .rejected(fault: .platform, _)? = $0 as? PlatformError else { return false }
        return true
      }
      #expect(try HostDirectory.list(rig.secretsDirectory).isEmpty)
    }
  }

  private static func files(holding text: String, below path: String) throws -> [String] {
    guard let status = try HostFile.status(path) else { return [] }
    if status.st_mode & S_IFMT == S_IFDIR {
      return try HostDirectory.list(path).flatMap {
        try files(holding: text, below: "\(path)/\($0)")
      }
    }
    guard status.st_mode & S_IFMT == S_IFREG else { return [] }
    let bytes = try HostFile.read(path) ?? []
    return String(decoding: bytes, as: UTF8.self).contains(text) ? [path] : []
  }
}
