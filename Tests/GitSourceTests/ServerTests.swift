import GitSource
import Model
import Support
import Testing

@Suite struct ServerTests {
  @Test func `https with our own authority and a token lists and fetches`() async throws {
    let server = try GitServer.https(user: "x-access-token", password: "s3cret")
    let repository = try GitRepository(at: server.root)
    let commit = try repository.commit(web)
    var fixture = try Fixture(server.url(repository))
    let token = try fixture.state.write("token", "s3cret\n", mode: 0o600)
    fixture.configuration.authentication = .token(file: token, user: "x-access-token")
    fixture.configuration.caFile = server.caFile
    #expect(try await fixture.source().tip().rawValue == commit)
    #expect(try await fixture.load().accepted?.commit.rawValue == commit)
    let next = try repository.commit(["web.yaml": "version 2\n"])
    let second = try #require(try await fixture.load(accepted: commit).accepted)
    #expect(second.commit.rawValue == next && second.relation == .descendant)

    try fixture.state.write("token", "wrong\n", mode: 0o600)
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.denied(let text) = error { !text.contains("wrong\n") } else { false }
    }
    fixture.configuration.caFile = nil
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.untrusted = error { true } else { false }
    }
  }

  @Test func `a redirect and a repository that is not there are errors`() async throws {
    let server = try GitServer.https()
    let repository = try GitRepository(at: server.root)
    try repository.commit(web)
    var fixture = try Fixture("https://127.0.0.1:\(server.port)/elsewhere/x.git")
    fixture.configuration.caFile = server.caFile
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.configuration = error { true } else { false }
    }
    fixture.configuration.url = "https://127.0.0.1:\(server.port)/none.git"
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.missing = error { true } else { false }
    }
    fixture.configuration.url = "https://localhost:\(server.port)/repository.git"
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.untrusted = error { true } else { false }
    }
  }

  @Test func `ssh with a strict host key lists and fetches`() async throws {
    let server = try GitServer.ssh()
    let repository = try GitRepository(at: server.root)
    let commit = try repository.commit(web)
    var fixture = try Fixture(server.url(repository))
    fixture.configuration.authentication = .sshKey(file: server.identityFile)
    fixture.configuration.knownHostsFile = server.knownHostsFile
    #expect(try await fixture.source().tip().rawValue == commit)
    #expect(try await fixture.load().accepted?.commit.rawValue == commit)
    let next = try repository.commit(["web.yaml": "version 2\n"])
    #expect(try await fixture.load(accepted: commit).accepted?.commit.rawValue == next)

    let other = try GitServer.ssh()
    fixture.configuration.authentication = .sshKey(file: other.identityFile)
    await #expect { try await fixture.source().tip() } throws: { error in
      if case SourceError.denied = error { true } else { false }
    }
    // The right place with another server's key: changed; and with none: unknown.
    let key = String(decoding: try readFile(other.knownHostsFile), as: UTF8.self)
    let changed = key.replacing("\(other.port)", with: "\(server.port)")
    for text in [changed, ""] {
      fixture.configuration.knownHostsFile = try fixture.state.write("known", text)
      await #expect { try await fixture.source().tip() } throws: { error in
        if case SourceError.untrusted = error { true } else { false }
      }
    }
  }

  @Test func `a server that says nothing ends at the deadline`() async throws {
    let server = try StubServer { $0.waitForClose() }
    for scheme in ["https", "ssh"] {
      var fixture = try Fixture("\(scheme)://127.0.0.1:\(server.port)/x.git")
      fixture.configuration.knownHostsFile = try fixture.state.write("known", "")
      fixture.configuration.deadlines.list = .milliseconds(500)
      fixture.configuration.deadlines.fetch = .milliseconds(500)
      let start = ContinuousClock.now
      await #expect { try await fixture.source().tip() } throws: { error in
        if case SourceError.timedOut = error { true } else { false }
      }
      #expect(ContinuousClock.now - start < .seconds(25))
    }
  }

  @Test func `a server that stalls in the middle of a pack ends at the deadline`() async throws {
    let server = try StubServer { connection in
      guard let head = connection.readHead() else { return }
      if head.hasPrefix("GET") {
        let id = String(repeating: "a", count: 40)
        connection.answer(
          200,
          line("# service=git-upload-pack\n") + "0000" + line("\(id) refs/heads/main\0 ofs-delta\n")
            + "0000",
          headers: "Content-Type: application/x-git-upload-pack-advertisement\r\n"
            + "Connection: close\r\n")
      } else {
        connection.write(
          "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"
            + "Content-Length: 100000\r\n\r\n" + line("NAK\n") + "PACK\0\0\0\u{2}\0\0\0\u{9}")
        connection.waitForClose()
      }
    }
    var fixture = try Fixture("http://127.0.0.1:\(server.port)/x.git")
    fixture.configuration.allowInsecureHTTP = true
    fixture.configuration.deadlines.fetch = .milliseconds(800)
    #expect(try await fixture.source().tip().rawValue == String(repeating: "a", count: 40))
    await #expect { try await fixture.load() } throws: { error in
      if case SourceError.timedOut = error { true } else { false }
    }
  }

  @Test func `a server that talks nonsense is an error`() async throws {
    for body in ["", "0000", "zzzz", "ffff", line("# service=git-upload-pack\n") + "0000ffffx"] {
      let server = try StubServer { connection in
        _ = connection.readHead()
        connection.answer(
          200, body, headers: "Content-Type: application/x-git-upload-pack-advertisement\r\n")
      }
      var fixture = try Fixture("http://127.0.0.1:\(server.port)/x.git")
      fixture.configuration.allowInsecureHTTP = true
      await #expect(throws: SourceError.self, "\(body)") { try await fixture.source().tip() }
    }
  }

  @Test func `nobody there is an error that names the place`() async throws {
    let port = try Ports.one()
    let fixture = try Fixture("https://127.0.0.1:\(port)/x.git")
    await #expect { try await fixture.source().tip() } throws: { error in
      guard case SourceError.unreachable(let text) = error else { return false }
      return text.contains("127.0.0.1:\(port)")
    }
  }
}

/// A packet line.
private func line(_ text: String) -> String {
  let digits = String(text.utf8.count + 4, radix: 16)
  return String(repeating: "0", count: 4 - digits.count) + digits + text
}
