import Manifest
import Model
import Testing

/// `rollout.tests`.
@Suite struct TestReadingTests {
  private func read(_ tests: String, hasPreview: Bool = true) -> (RolloutPolicy?, [String]) {
    var example = Example.with("rollout: { tests: \(tests) }")
    if hasPreview {
      example.target = example.target.replacing(
        "8080\" }", with: "8080\", preview: \"127.0.0.1:8081\" }")
    }
    let state = example.parse()
    return (state.targets.first?.rollout, state.diagnostics.map(\.message))
  }

  @Test func `a test names what it asks for, of this version`() {
    let (policy, messages) = read(
      "[{ name: start, http: { path: '/v/${version}', contains: '\"${version}\"' } },"
        + " { name: old, http: { path: /old, expect: [404, 410] }, deadline: 1m }]")
    #expect(messages == [])
    #expect(
      policy?.tests == [
        TestDeclaration(
          name: "start", call: .http(path: "/v/2.1.0", expect: [200], contains: "\"2.1.0\"")),
        TestDeclaration(
          name: "old", call: .http(path: "/old", expect: [404, 410], contains: nil),
          deadline: .seconds(60)),
      ])
  }

  @Test(arguments: [
    (
      "[{ name: a.b, command: [./t] }]",
      "\"name\" must be a name (a letter, then letters, digits and -, at most 40)"
    ),
    ("[{ name: a }]", "a test has either http or a command"),
    ("[{ name: a, command: [./t, '${port}'] }]", "a test knows ${version} alone"),
    ("[]", "\"tests\" has 1 to 20 entries"),
    ("[{ name: a, http: { path: '/${port}' } }]", "a test knows ${version} alone"),
    ("[{ name: a, http: { path: x } }]", "\"path\" must begin with / and hold no white space"),
    ("[{ name: a, http: { path: / }, deadline: 1ms }]", "\"deadline\" must be from 1s to 1h"),
    (
      "[{ name: a, http: { path: / } }, { name: a, http: { path: /b } }]",
      "two tests are called a"
    ),
  ])
  func `what makes no sense is told`(_ tests: String, _ message: String) {
    #expect(read(tests).1 == [message])
  }

  @Test func `a command needs no preview`() {
    let (policy, messages) = read("[{ name: a, command: [./t, '${version}'] }]", hasPreview: false)
    #expect(messages == [])
    #expect(policy?.tests == [TestDeclaration(name: "a", call: .command(["./t", "2.1.0"]))])
  }

  @Test func `more commands than a stack runs are refused`() {
    let tests = (0..<20).map { "{ name: t\($0), command: [./t] }" }.joined(separator: ", ")
    let steps = (1...10).map { "{ weight: \($0) }" }.joined(separator: ", ")
    let state = Example.with(
      "rollout: { strategy: canary, steps: [\(steps)], tests: [\(tests)] }"
    ).parse()
    #expect(
      state.diagnostics.map(\.message)
        == ["20 commands at 12 points are more than the 200 that a stack runs"])
  }

  @Test func `without a preview there is no way to test what has no traffic`() {
    #expect(
      read("[{ name: a, http: { path: / } }]", hasPreview: false).1
        == ["test \"a\" reaches web@production through a preview, and its route has none"])
  }
}
