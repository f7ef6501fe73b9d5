import Manifest
import Model
import Testing

/// `rollout.analysis`.
@Suite struct AnalysisReadingTests {
  private func read(_ analysis: String) -> (AnalysisDeclaration?, [String]) {
    let state = Example.with("rollout: { strategy: canary, analysis: \(analysis) }").parse()
    return (state.targets.first?.rollout.analysis, state.diagnostics.map(\.message))
  }

  @Test func `nothing in it means as usual`() {
    #expect(read("{}") == (AnalysisDeclaration(), []))
  }

  @Test func `everything in it is read`() {
    var wanted = AnalysisDeclaration()
    (wanted.errorRatio, wanted.errorMarginPoints, wanted.errorCeilingPercent) = (2.5, 0.5, 5)
    (wanted.minimumRequests, wanted.noTraffic, wanted.deadline) = (50, .allow, .seconds(120))
    wanted.metrics = [
      .init(name: "p99", provider: "prometheus", query: "up{a=\"b\"}", maximum: 0.25),
      .init(name: "depth", provider: "other", query: "x", minimum: -1, maximum: 10),
      .init(name: "smoke", provider: "hook", minimum: 1),
      .init(
        name: "quiet", provider: "hook", metadata: ["cmd": "probe", "n": "2"], maximum: 0),
    ]
    let text = """
      { errors: { ratio: 2.5, margin: 0.5, ceiling: 5 }, minimumRequests: 50, noTraffic: allow,
        deadline: 2m, metrics: [
          { name: p99, provider: prometheus, query: 'up{a="b"}', maximum: 0.25 },
          { name: depth, provider: other, query: x, minimum: -1, maximum: 10 },
          { name: smoke, provider: hook },
          { name: quiet, provider: hook, metadata: { cmd: probe, n: 2 }, maximum: 0 }] }
      """
    #expect(read(text.replacing("\n", with: " ")) == (wanted, []))
  }

  @Test(arguments: [
    ("{ errors: { ratio: 0.5 } }", "\"ratio\" must be a number from 1 to 1000"),
    ("{ errors: { ratio: 1e2 } }", "\"ratio\" must be a number from 1 to 1000"),
    ("{ errors: { ratio: .nan } }", "\"ratio\" must be a number from 1 to 1000"),
    ("{ errors: { ratio: '2' } }", "\"ratio\" must be a number from 1 to 1000"),
    ("{ errors: { margin: 0 } }", "\"margin\" must be at least 0.0001 percent"),
    ("{ errors: { ceiling: 100 } }", "\"ceiling\" must be a number from 0 to 99"),
    (
      "{ metrics: [{ name: a, provider: b, query: c }] }",
      "a metric needs a minimum or a maximum"
    ),
    (
      "{ metrics: [{ name: a, provider: b, query: c, minimum: 2, maximum: 1 }] }",
      "the minimum is above the maximum"
    ),
    (
      "{ metrics: [{ name: a, provider: b, metadata: { stack: x } }] }",
      "\"stack\" is in the metadata anyway"
    ),
    (
      "{ metrics: [{ name: a, provider: b, query: c, maximum: 1, metadata: {} }] }",
      "\"metadata\" is for a webhook, which takes no \"query\""
    ),
    (
      "{ metrics: [{ name: a, provider: b }, { name: a, provider: b }] }",
      "two metrics are called a"
    ),
  ]) func `what makes no sense is told`(_ text: String, _ message: String) {
    let (analysis, messages) = read(text)
    #expect(messages.count == 1 && messages[0].hasPrefix(message), "\(messages)")
    #expect(analysis == nil)
  }

  @Test func `it belongs to a canary`() {
    let state = Example.with("rollout: { analysis: {} }").parse()
    #expect(state.diagnostics.map(\.message) == ["\"analysis\" belongs to strategy: canary"])
  }
}
