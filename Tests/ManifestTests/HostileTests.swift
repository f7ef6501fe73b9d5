import Manifest
import Model
import Testing

/// What the corpus in Tests/EndToEndTests/Hostile does not show from outside.
@Suite struct HostileTests {
  private static func laughs(_ item: (Int) -> String) -> String {
    "# viridian.dev/\na0: &a0 [x]\n" + (1...9).map { "a\($0): &a\($0) \(item($0))\n" }.joined()
  }

  private static func nine(_ number: Int) -> String {
    "[" + Array(repeating: "*a\(number - 1)", count: 9).joined(separator: ", ") + "]"
  }

  @Test(arguments: [
    laughs(nine), laughs { "{ \(nine($0)): 1 }" },
    "# viridian.dev/\n"
      + String(repeating: "[", count: 10_000),
  ])
  func `nothing is expanded before it is refused`(_ text: String) throws {
    let clock = ContinuousClock()
    var result: DesiredState?
    let time = clock.measure { result = Example(others: ["hostile.yaml": text]).parse() }
    let found = try #require(result)
    #expect(!found.isComplete)
    #expect(found.targets.map(\.id) == [web], "others must still apply")
    // Generous: the tests of all suites share two processors, and an expansion takes for ever.
    #expect(time < .seconds(10))
  }

  @Test func `files of other tools are not read, not even when they are no YAML`() {
    let state = Example(others: ["other.yaml": "a: &a [*a\n\t- {", "crd.yaml": "kind: x"]).parse()
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets.map(\.id) == [web])
  }
}
