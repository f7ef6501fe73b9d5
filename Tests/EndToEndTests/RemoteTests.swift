import Foundation
import Model
import Support
import Synchronization
import Testing

/// The agent against real Git servers, and against one that says nothing.
@Suite(.timeLimit(.minutes(15))) struct RemoteTests {
  @Test func `a repository over TLS with a token deploys, bumps and reverts`() async throws {
    let server = try GitServer.https(user: "x-access-token", password: "s3cret")
    defer { server.stop() }
    let served = try GitRepository(at: server.root)
    let secrets = try TemporaryDirectory()
    let token = secrets.path("token")
    try Data("s3cret\n".utf8).write(to: URL(fileURLWithPath: token))
    let source = """
      { name: main, url: "\(server.url(served))", branch: main, poll: 5s, \
      ca: "\(server.caFile)", token: { file: "\(token)", user: x-access-token } }
      """
    try await withHost(remote: served.path, source: source, isLong: true) { host in
      try await life(host)
    }
  }

  @Test func `a repository over ssh deploys, bumps and reverts`() async throws {
    let server = try GitServer.ssh()
    defer { server.stop() }
    let served = try GitRepository(at: server.root)
    let source = """
      { name: main, url: "\(server.url(served))", branch: main, poll: 500ms, \
      sshKey: "\(server.identityFile)", knownHosts: "\(server.knownHostsFile)" }
      """
    try await withHost(remote: served.path, source: source, isLong: true) { host in
      try await life(host)
    }
  }

  @Test func `a silent server changes nothing and stops nobody`() async throws {
    let asked = Mutex(0)
    let silent = try StubServer { connection in
      asked.withLock { $0 += 1 }
      connection.waitForClose()
    }
    defer { silent.stop() }
    try await withHost(isLong: true) { host in
      try host.start()
      try await host.synced("1.0.0")
      host.kill()
      func ask(deadline: String) throws {
        try host.write(
          source: """
            { name: main, url: "https://127.0.0.1:\(silent.port)/x.git", branch: main, \
            poll: 300ms, listDeadline: \(deadline) }
            """)
        try host.start()
      }
      try ask(deadline: "1s")
      _ = try await host.until("the source is unreachable, with a reason") {
        let health = try await host.agentStatus().sources.first?.health
        return health?.hasPrefix("unreachable") == true && health?.contains("127.0.0.1") == true
          ? true : nil
      }
      let passes = try await host.agentStatus().passes
      _ = try await host.until("passes go on") {
        try await host.agentStatus().passes > passes + 10 ? true : nil
      }
      #expect(try await host.status()?.liveVersion == "1.0.0")
      #expect(try await host.answer().status == 200)

      host.kill()
      let before = asked.withLock { $0 }
      try ask(deadline: "5m")
      _ = try await host.until("it is asked") { asked.withLock { $0 } > before ? true : nil }
      #expect(try await host.terminate() < .seconds(20), "it waited for the silent server")
    }
  }

  private func life(_ host: Host) async throws {
    try host.start()
    try await host.synced("1.0.0")
    try host.remote.bump(to: "1.1.0")
    try await host.synced("1.1.0")
    try host.remote.revert()
    let status = try await host.synced("1.0.0")
    #expect(status.stacks.first { $0.role == "stable" }?.generation == 1)
  }
}
