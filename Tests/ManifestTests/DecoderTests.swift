import HAProxyRouter
import LocalPlatform
import Manifest
import Model
import PlatformKit
import Testing

@Suite struct DecoderTests {
  private func workload(_ lines: String, artifact: String = "artifacts/web-${version}")
    -> DesiredState
  {
    var example = Example.process(lines)
    example.application = example.application.replacing("artifacts/web-${version}", with: artifact)
    return example.parse()
  }

  @Test func `what is known is substituted and what is not stays`() throws {
    let state = workload(
      "command: [./web, \"${version}-${environment}-${application}\", \"${port}${generation}\", $HOME]"
    )
    let payload = try #require(state.targets.first).spec.workload
    #expect(
      payload["command"] == ["./web", "2.1.0-production-web", "${port}${generation}", "$HOME"])
    #expect(payload["environment"] == .object([:]))
  }

  @Test func `each secret is one input`() throws {
    let state = workload(
      "command: [./web]\nenvironment: { A: \"${secret:file:db}\", B: \"x${secret:file:db}:${secret:file:key.pem}\" }"
    )
    let inputs = try #require(state.targets.first).spec.inputs
    #expect(
      inputs.map(\.key) == [
        "artifact:artifacts/web-2.1.0", "secret:file:db", "secret:file:key.pem",
      ])
  }

  @Test(arguments: [
    "../web", "/etc/passwd", "a//b", "a/./b", "", "http://example.com/a", "ftp://a/b", "file://a/b",
    "https://example.com/a", "https://user:password@example.com/a", "https:///a", "a/../../b",
    "git+ssh://a", "file:///a/../b",
  ]) func `an artifact is a path inside, a file or a checked https address`(_ artifact: String) {
    #expect(workload("command: [./web]", artifact: "'\(artifact)'").broken == [web])
  }

  @Test(arguments: ["web", "a/b/web-${version}.tar.gz", "file:///srv/artifacts/web-${version}.tgz"])
  func `artifacts of the repository and the host need no digest`(_ artifact: String) {
    let state = workload("command: [./web]", artifact: artifact)
    #expect(state.isComplete, "\(state.diagnostics)")
  }

  @Test func `an https artifact needs the digest of exactly this version`() throws {
    let digest = String(repeating: "a", count: 64)
    for (version, isRight) in [("2.1.0", true), ("2.1.1", false)] {
      let state = workload(
        "command: [./web]\nsha256: { \(version): \(digest) }",
        artifact: "https://example.com/web-${version}.tar.gz")
      #expect(state.isComplete == isRight)
      #expect(state.targets.first?.spec.inputs.first?.expected?.hex == (isRight ? digest : nil))
    }
  }

  @Test(arguments: [
    ("memory: 512Ki", "memoryBytes", 524_288), ("memory: 2Gi", "memoryBytes", 2_147_483_648),
    ("cpu: 500m", "cpuMillis", 500), ("cpu: 2", "cpuMillis", 2000), ("cpu: 0.5", "cpuMillis", 500),
    ("pids: 64", "pids", 64),
  ]) func `limits are whole numbers of one unit`(_ text: String, _ key: String, _ value: Int) throws
  {
    let state = workload("command: [./web]\nlimits: { \(text) }")
    let limits = try #require(state.targets.first, "\(state.diagnostics)").spec.workload["limits"]
    #expect(limits == .object([key: .integer(value)]))
  }

  @Test(arguments: ["/var/lib/web", "sqlite:///data/web", "data/web.sqlite3"])
  func `declared state on the host is warned about and deployed all the same`(_ path: String) {
    let state = workload("command: [./web]\nenvironment: { DATA: \(path) }")
    #expect(state.diagnostics.map(\.severity) == [.warning])
    #expect(state.targets.map(\.id) == [web])
    #expect(state.isComplete)
  }

  @Test(arguments: [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:443", "[::1]:443"), ("*:80", "*:80"),
    ("localhost:80", "127.0.0.1:80"), ("[2001:DB8::1]:80", "[2001:db8::1]:80"),
  ]) func `a listen address is kept in one form`(_ text: String, _ canonical: String) throws {
    let state = Example(target: Example.target.replacing("127.0.0.1:8080", with: text)).parse()
    #expect(try #require(state.targets.first).route == ["listen": .string(canonical)])
  }

  @Test func `a preview is an address like the one it stands beside`() throws {
    let state = preview("localhost:8081")
    #expect(
      try #require(state.targets.first, "\(state.diagnostics)").route
        == ["listen": "127.0.0.1:8080", "preview": "127.0.0.1:8081"])
    for (text, problem) in [
      ("web:8081", "must be an address and a port"), ("127.0.0.1", "must be an address and a port"),
      ("[::1]:8080", "\"preview\" must be another port than \"listen\""),
    ] {
      let state = preview(text)
      #expect(state.targets.isEmpty)
      #expect(state.diagnostics.map(\.severity) == [.error])
      #expect(state.diagnostics.first?.message.contains(problem) == true, "\(state.diagnostics)")
    }
  }

  private func preview(_ text: String) -> DesiredState {
    let route = "\"127.0.0.1:8080\", preview: \"\(text)\""
    return Example(target: Example.target.replacing("\"127.0.0.1:8080\"", with: route)).parse()
  }
}
