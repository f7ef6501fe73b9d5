import Manifest
import Model
import Testing

/// The part of the hostile corpus that concerns manifests.
@Suite struct HostileTests {
  /// The file that `text` is appended to is ours, so that it is read.
  private func state(_ text: String) -> DesiredState {
    Example(others: ["hostile.yaml": "# viridian.dev/\n" + text]).parse()
  }

  @Test(arguments: hostileStructures.keys.sorted())
  func `a hostile structure is an error with its place`(_ name: String) throws {
    let text = try #require(hostileStructures[name])
    let clock = ContinuousClock()
    var result: DesiredState?
    let time = clock.measure { result = state(text) }
    let found = try #require(result)
    #expect(!found.isComplete, "\(name) passed")
    #expect(found.diagnostics.contains { $0.file == "hostile.yaml" })
    #expect(found.targets.map(\.id) == [web], "\(name): others must still apply")
    // Generous: the tests of all suites share two processors, and an expansion takes for ever.
    #expect(time < .seconds(10), "\(name) took \(time)")
  }

  @Test(arguments: hostileBytes.keys.sorted())
  func `hostile bytes are an error`(_ name: String) throws {
    let bytes = try #require(hostileBytes[name])
    let ours = Array("# viridian.dev/\n".utf8)
    for bytes in [bytes, ours + bytes] where bytes.count > 60 || bytes.starts(with: ours) {
      let state = Manifest.parse([ManifestFile(path: "a.yaml", bytes: bytes)], Example.context())
      #expect(!state.isComplete, "\(name) passed")
    }
  }

  @Test func `a manifest saved as UTF-16 is refused and never taken for absent`() {
    for mark: [UInt8] in [[], [0xFF, 0xFE]] {
      let bytes = mark + Example.target.utf8.flatMap { [$0, 0] }
      let state = Manifest.parse([ManifestFile(path: "a.yaml", bytes: bytes)], Example.context())
      #expect(!state.isComplete)
    }
  }

  @Test func `files of other tools are not read, not even when they are no YAML`() {
    let state = Example(others: ["other.yaml": "a: &a [*a\n\t- {", "crd.yaml": "kind: x"]).parse()
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets.map(\.id) == [web])
  }

  @Test(arguments: hostileNames) func `a hostile name is refused wherever a name may stand`(
    _ name: String
  ) {
    let quoted = "'\(name.replacing("'", with: "''"))'"
    for example in [
      Example(application: Example.application.replacing("name: web", with: "name: \(quoted)")),
      Example(environment: Example.environment.replacing("production", with: quoted)),
      Example(target: Example.target.replacing("application: web", with: "application: \(quoted)")),
      Example(
        environment: Example.environment.replacing(
          "local }", with: "local, targets: { \(quoted): 1.0.0 } }")),
      Example.with("dependsOn: [\(quoted)]"),
    ] {
      #expect(!example.parse().isComplete, "\(name) passed")
    }
  }

  @Test(arguments: hostileVersions) func `a hostile version breaks its target`(_ version: String) {
    let text = Example.target.replacing("2.1.0", with: "'\(version.replacing("'", with: "''"))'")
    let state = Example(target: text).parse()
    #expect(!state.isComplete)
    #expect(state.broken == [web])
    #expect(state.targets.isEmpty)
  }

  @Test(arguments: hostileSpecs) func `a value out of its range is refused`(_ spec: String) {
    let example = Example.with(spec)
    let state = example.parse()
    #expect(!state.isComplete, "\(spec) passed")
    #expect(state.broken == [web])
    #expect(state.diagnostics.allSatisfy { $0.line > 0 }, "\(state.diagnostics)")
  }

  @Test(arguments: hostileProcesses) func `a hostile process is refused`(_ lines: String) {
    let state = Example.process(lines).parse()
    #expect(!state.isComplete, "\(lines) passed")
    #expect(state.broken == [web])
  }

  @Test(arguments: hostileListens) func `nothing but an address reaches the router`(
    _ listen: String
  ) {
    let text = Example.target.replacing("127.0.0.1:8080", with: listen)
    let state = Example(target: text).parse()
    #expect(!state.isComplete, "\(listen) passed")
    #expect(state.broken == [web])
  }

  @Test(arguments: ["{{resolve:secretsmanager:a}}", "${version}", "a\\u202eb", "a\\nb"])
  func `a label is no template and has no invisible characters`(_ label: String) {
    let text = Example.application.replacing(
      "{ name: web }", with: "{ name: web, labels: { team: \"\(label)\" } }")
    #expect(!Example(application: text).parse().isComplete)
  }

  @Test func `messages hold no control characters of what they quote`() {
    let text = Example.application + "  \"\\e[31m\\u202e\\nbad\": 1\n"
    let state = Example(application: text).parse()
    #expect(!state.isComplete)
    for diagnostic in state.diagnostics {
      #expect(
        !diagnostic.description.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    }
  }
}
