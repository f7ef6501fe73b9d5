import Manifest
import Model
import Testing

/// Digests decide what is launched: an upgrade of the agent must not change one of them.
@Suite struct DigestTests {
  private func digest(_ example: Example) throws -> String {
    try #require(example.onlyTarget(), "\(example.parse().diagnostics)").declaredDigest.hex
  }

  @Test func `a fixed manifest has its fixed digests`() throws {
    let target = try #require(Example().onlyTarget())
    #expect(
      target.spec.canonical.json
        == """
        {"health":{"check":"tcp"},"inputs":[{"kind":"artifact","name":"artifacts/web-2.1.0"}],\
        "instances":2,"workload":{"process":{"artifact":"artifacts/web-2.1.0",\
        "command":["./web","--port","${port}"],"environment":{"GREETING":"hello"}}}}
        """)
    #expect(
      target.declaredDigest.hex
        == "63e49102e9a90514cf0f8debd4c69b09d288fa79e98fa5a0f609016d0905c4ea")
    let resolved = ResolvedInput(
      reference: target.spec.inputs[0], identity: "sha256:" + String(repeating: "a", count: 64))
    #expect(
      target.spec.stackDigest([resolved]).hex
        == "7d110632575d59194723cf93f7925fd82875813a80af2346fb4dfc3e73ea55ab")
  }

  @Test func `a manifest with every key has its fixed digest`() throws {
    let example = Example(
      application: """
        apiVersion: viridian.dev/v1alpha1
        kind: Application
        metadata: { name: web }
        spec:
          workload:
            process:
              artifact: https://example.com/web-${version}.tar.gz
              sha256: { 2.1.0: \(String(repeating: "0123456789abcdef", count: 4)) }
              command: [./web, "${generation}", "${environment}", "${application}"]
              environment: { PASSWORD: "${secret:file:db}", PORT: "${port}" }
              workingDirectory: run
              user: www-data
              limits: { memory: 256Mi, cpu: 500m, pids: 64 }
          instances: 3
          health:
            http: { path: /healthz, expect: [204, 200, 200] }
            interval: 2s
            timeout: 500ms
            healthyAfter: 5
            deadline: 3m
        """)
    let target = try #require(example.onlyTarget(), "\(example.parse().diagnostics)")
    #expect(
      target.spec.canonical.json
        == """
        {"health":{"check":{"http":{"expect":[200,204],"path":"/healthz"}},\
        "deadlineMilliseconds":180000,"healthyAfter":5,"intervalMilliseconds":2000,\
        "timeoutMilliseconds":500},"inputs":[{"kind":"artifact",\
        "name":"https://example.com/web-2.1.0.tar.gz",\
        "sha256":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},\
        {"kind":"secret","name":"file:db"}],"instances":3,"workload":{"process":{\
        "artifact":"https://example.com/web-2.1.0.tar.gz",\
        "command":["./web","${generation}","production","web"],\
        "environment":{"PASSWORD":"${secret:file:db}","PORT":"${port}"},\
        "limits":{"cpuMillis":500,"memoryBytes":268435456,"pids":64},"user":"www-data",\
        "workingDirectory":"run"}}}
        """)
    #expect(
      target.declaredDigest.hex
        == "4df52fe3769c86e26773b4280e92ed631b08541422151fd84d2b0556883d161b")
  }

  @Test(arguments: [
    "health: { tcp: {} }", "health: { interval: 1s }", "health: { interval: 1000ms }",
    "health: { timeout: 2s, healthyAfter: 3, deadline: 2m }", "health: {}",
    "traffic: { mode: http }", "traffic: { mode: tcp }",
    "traffic: { drain: { deadline: 1m, then: wait }, exclusive: true }",
    "rollout: { strategy: recreate, bake: 5m, onNewCommit: coalesce }",
    "rollout: { irreversible: true }",
    "rollout: { retain: { stacks: 2, for: 48h, quarantined: 1h } }",
    "drift: { action: alert, ignore: [/files/cache/**], debounce: 1m }",
    "x-note: anything",
  ]) func `what is written at its default or is no part of a stack changes no digest`(
    _ spec: String
  ) throws {
    #expect(try digest(Example.with(spec)) == digest(Example()))
  }

  @Test func `the same stack written in another way has the same digest`() throws {
    let plain = try digest(Example())
    let other = Example.process(
      "command: ['./web', \"--port\", '${port}']\nenvironment:\n  'GREETING': \"hello\"\n"
        + "workingDirectory: .\nlimits: {}\nsha256: { 1.0.0: \(String(repeating: "a", count: 64)) }"
    )
    #expect(try digest(other) == plain)
    let one = Example.application.replacing("instances: 2", with: "")
    let explicit = Example.application.replacing("instances: 2", with: "instances: 1")
    #expect(try digest(Example(application: one)) == digest(Example(application: explicit)))
  }

  @Test func `labels, route, freeze and names of documents change no digest`() throws {
    let plain = try digest(Example())
    var example = Example()
    example.application = example.application.replacing(
      "{ name: web }", with: "{ name: web, labels: { team: shop }, annotations: { a: b } }")
    example.target = example.target.replacing("8080", with: "9090")
      .replacing("metadata: { name: web }", with: "metadata: { name: other }")
    example.environment = example.environment.replacing(
      "platform: local", with: "platform: local, freeze: [{ days: [sat, sun] }]")
    #expect(try digest(example) == plain)
    #expect(try #require(example.onlyTarget()).labels == ["team": "shop"])
  }

  @Test(arguments: ["instances: 3", "health: { interval: 2s }", "health: { running: {} }"])
  func `what a stack is made of changes the digest`(_ spec: String) throws {
    let text = Example.application.replacing("  instances: 2\n", with: "  \(spec)\n")
    #expect(try digest(Example(application: text)) != digest(Example()))
  }

  @Test func `the version changes the digest exactly where it is used`() throws {
    let next = Example.target.replacing("2.1.0", with: "2.1.1")
    #expect(try digest(Example(target: next)) != digest(Example()))
    let fixed = Example.application.replacing("web-${version}", with: "web-fixed")
    #expect(
      try digest(Example(application: fixed, target: next)) == digest(Example(application: fixed)))
  }

  @Test func `a version is text and never a number`() throws {
    let (ten, one) = (
      Example.target.replacing("2.1.0", with: "1.10"),
      Example.target.replacing("2.1.0", with: "1.1")
    )
    #expect(try #require(Example(target: ten).onlyTarget()).version == "1.10")
    #expect(try digest(Example(target: ten)) != digest(Example(target: one)))
  }
}
