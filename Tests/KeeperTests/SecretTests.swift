import Glibc
import KeeperKit
import Testing

@Suite struct SecretTests {
  @Test func `a secret reaches the environment and nothing else`() async throws {
    let value = "s3cr3t-\(UInt64.random(in: 0...UInt64.max))"
    let rig = try Rig(
      ["./serve", "${secret:vault/token}"], environment: ["TOKEN": "<${secret:vault/token}>"],
      secrets: ["secret:vault/token": value])
    let keeper = try rig.keep()
    try await rig.untilRunning()
    let pid = try rig.living()[0]
    try await rig.until("the program is executed") {
      try HostProcess.strings(pid, "cmdline").first == "sleep"
    }
    #expect(try HostProcess.strings(pid, "environ").contains("TOKEN=<\(value)>"))
    for process in [keeper, pid] {
      #expect(try !HostProcess.strings(process, "cmdline").joined().contains(value))
    }
    #expect(try !HostProcess.strings(keeper, "environ").joined().contains(value))
    for file in [rig.layout.status, rig.layout.plan, rig.layout.keeperLog, rig.layout.manifest] {
      #expect(try HostFile.text(file)?.contains(value) == false)
    }
    try await rig.close(keeper)
  }

  @Test func `secrets that are not there are waited for`() async throws {
    let rig = try Rig(
      environment: ["TOKEN": "${secret:vault/token}"], secrets: [:])
    let keeper = try rig.keep()
    try await rig.until("the keeper waits") {
      guard case .waiting(let reason)? = try rig.status?.phase else { return false }
      return reason.contains("the secrets are not there")
    }
    #expect(try rig.lines("starts").isEmpty)
    try rig.writeSecrets(["secret:vault/token": "value"])
    try await rig.untilRunning()
    try await rig.close(keeper)
  }

  @Test func `a damaged secrets file is not quoted`() async throws {
    let rig = try Rig(environment: ["TOKEN": "${secret:vault/token}"], secrets: [:])
    try HostFile.write(
      Array("{\"secret:vault/token\": [hunter22]".utf8), to: "\(rig.root)/secrets.json")
    let keeper = try rig.keep()
    try await rig.until("the keeper waits") {
      guard case .waiting(let reason)? = try rig.status?.phase else { return false }
      return reason.contains("is damaged")
    }
    for file in [rig.layout.status, rig.layout.keeperLog] {
      #expect(try HostFile.text(file)?.contains("hunter22") == false)
    }
    try await rig.close(keeper)
  }
}
