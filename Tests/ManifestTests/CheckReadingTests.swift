import HAProxyRouter
import Manifest
import Model
import PlatformKit
import Testing

/// `health.command`.
@Suite struct CheckReadingTests {
  @Test func `a command is a check of what serves and of workers, and part of the digest`() throws {
    let health = "health: { command: [./check, --quick, '${port}'], interval: 5s }\n"
    let target = try #require(Example.with(health).onlyTarget())
    #expect(target.spec.health.check == .command(["./check", "--quick", "${port}"]))
    #expect(
      target.spec.canonical["health"]?.json
        == #"{"check":{"command":["./check","--quick","${port}"]},"intervalMilliseconds":5000}"#)
    let other = try #require(Example.with(health.replacing("quick", with: "slow")).onlyTarget())
    #expect(target.declaredDigest != other.declaredDigest)

    var worker = Example.with("\(health)traffic: { mode: none }\n")
    worker.target = worker.target.replacing(
      #"  route: { listen: "127.0.0.1:8080" }"# + "\n", with: "")
    #expect(worker.onlyTarget()?.spec.health.check == target.spec.health.check)
  }

  @Test(arguments: [
    ("health: { command: [./check], tcp: {} }", "name one of http, tcp, command and running", 11),
    ("health: { command: [] }", "must name a program", 22),
    ("health: { command: [''] }", "must name a program", 22),
    ("health: { command: [./check, '${version}'] }", "only ${port} and ${generation}", 32),
    ("health: { command: [./check, '${secret:file:a}'] }", "only ${port}", 32),
    ("health: { command: [./check, '${port'] }", "only ${port}", 32),
  ])
  func `what cannot be run is refused where it stands`(
    health: String, part: String, column: Int
  ) throws {
    let state = Example.with(health).parse()
    let found = try #require(
      state.diagnostics.first { $0.message.contains(part) }, "\(state.diagnostics)")
    #expect(found.file == "application.yaml" && found.line == 11)
    #expect(found.column == column, "\(found)")
    #expect(found.severity == .error && state.targets.isEmpty)
  }

  @Test func `a worker has no endpoint, and is told what to use`() {
    var example = Example.with("health: { http: { path: / } }\ntraffic: { mode: none }\n")
    example.target = example.target.replacing(
      #"  route: { listen: "127.0.0.1:8080" }"# + "\n", with: "")
    #expect(
      example.parse().diagnostics.contains { $0.message.contains("use running: {} or a command") })
  }

  @Test func `a platform that runs no commands refuses one, with its place`() throws {
    let context = ManifestContext(
      source: "main", commit: "0123456789abcdef0123456789abcdef01234567",
      platforms: [
        "local": PlatformDecoders(workloads: [Image()], route: HAProxyRouteDecoder())
      ], isTimeZone: { _ in false })
    let state = Manifest.parse(Example.with("health: { command: [./check] }").files, context)
    let found = try #require(
      state.diagnostics.first { $0.message.contains("can run no command") },
      "\(state.diagnostics)")
    #expect(found.line == 11 && state.targets.isEmpty)
  }
}

/// A workload beside which no command can be run.
private struct Image: WorkloadDecoder {
  let kind = "process"
  let nameLimit = 63
  let runsCommands = false
  let schema: CanonicalValue = ["type": "object"]
  func decode(
    _ node: ManifestNode, _ substitutions: Substitutions
  ) throws(DecodingProblems) -> DecodedWorkload {
    DecodedWorkload(payload: .object([:]), inputs: [])
  }
}
