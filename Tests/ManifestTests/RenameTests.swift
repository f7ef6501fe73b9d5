import Manifest
import Model
import Testing

/// `metadata.previously`: what goes on under another name.
@Suite struct RenameTests {
  private let web = TargetID("web", "production")
  private let old = TargetID("old", "production")

  private func renaming(_ previously: String) -> Example {
    Example(
      target: Example.target.replacing(
        "{ name: web }", with: "{ name: web, previously: \(previously) }"))
  }

  /// The target `old@production`, declared beside `web`.
  private let stillDeclared = """
    apiVersion: viridian.dev/v1alpha1
    kind: Application
    metadata: { name: old }
    spec: { workload: { process: { artifact: a, command: [./old] } }, traffic: { mode: none } }
    ---
    apiVersion: viridian.dev/v1alpha1
    kind: Target
    metadata: { name: old }
    spec: { application: old, environment: production, version: 1 }

    """

  @Test func `a target says which name it had, and its digest does not change`() throws {
    let state = renaming("old").parse()
    #expect(state.isComplete, "\(state.diagnostics)")
    #expect(state.renames == [web: old])
    #expect(
      try #require(state.targets.first).declaredDigest
        == Example().parse().targets.first?.declaredDigest)
    #expect(Example().parse().renames == nil)
  }

  @Test func `an application says it for all its targets, a target for itself`() {
    var example = renaming("old")
    example.application = Example.application.replacing(
      "{ name: web }", with: "{ name: web, previously: older }")
    example.others["staging.yaml"] = """
      apiVersion: viridian.dev/v1alpha1
      kind: Environment
      metadata: { name: staging }
      spec: { platform: local, targets: { batch: 1.0.0 } }
      ---
      apiVersion: viridian.dev/v1alpha1
      kind: Application
      metadata: { name: batch, previously: nightly }
      spec: { workload: { process: { artifact: a, command: [./b] } }, traffic: { mode: none } }

      """
    let batch = TargetID("batch", "staging")
    let state = example.parse()
    #expect(state.isComplete, "\(state.diagnostics)")
    #expect(state.renames == [web: old, batch: TargetID("nightly", "staging")])
  }

  @Test func `a name is given up in the commit in which it is adopted`() throws {
    var example = renaming("old")
    example.others["old.yaml"] = stillDeclared
    let state = example.parse()
    #expect(state.broken == [web] && state.renames == nil)
    let problem = try #require(state.diagnostics.first)
    #expect(problem.message.contains("old@production is declared still, at old.yaml:6"))
    #expect(problem.file == "target.yaml" && problem.line == 3)
  }

  @Test func `one target adopts, and not itself`() {
    let own = renaming("web").parse()
    #expect(own.broken == [web] && own.diagnostics.count == 1)
    var two = renaming("old")
    two.others["other.yaml"] =
      stillDeclared.replacing("old", with: "xold")
      .replacing("{ name: xold }", with: "{ name: xold, previously: old }")
    let state = two.parse()
    #expect(state.broken == [TargetID("xold", "production")])
    #expect(state.diagnostics.contains { $0.message.contains("web@production adopts") })
  }

  @Test func `previously is unknown where it would have no effect`() {
    let text = Example.environment.replacing(
      "{ name: production }", with: "{ name: production, previously: a }")
    #expect(!Example(environment: text).parse().isComplete)
  }
}
