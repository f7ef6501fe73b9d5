import Manifest
import Model
import Testing

/// A wrong document holds the targets it touches and nothing else.
@Suite struct BrokenDocumentTests {
  /// Beside `web@production`: a worker of its own in an environment of its own.
  private static let neighbours = [
    "mailer.yaml": """
    apiVersion: viridian.dev/v1alpha1
    kind: Application
    metadata: { name: mailer }
    spec:
      workload: { process: { artifact: mailer, command: [./mailer] } }
      traffic: { mode: none }
    ---
    apiVersion: viridian.dev/v1alpha1
    kind: Environment
    metadata: { name: staging }
    spec: { platform: local, targets: { mailer: 3.0.2 } }

    """
  ]
  private let mailer = TargetID("mailer", "staging")

  private func example() -> Example { Example(others: Self.neighbours) }

  @Test func `a right repository has its targets, sorted, and nothing to say`() {
    let state = example().parse()
    #expect(state.targets.map(\.id) == [web, mailer])
    #expect(state.broken.isEmpty)
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets[1].spec.health.check == .running)
    #expect(state.targets[1].version == "3.0.2")
  }

  @Test(arguments: ["application.yaml", "env.yaml", "target.yaml"])
  func `an unknown key breaks the targets of its document`(_ file: String) throws {
    var example = example()
    let text =
      [
        "application.yaml": example.application, "env.yaml": example.environment,
        "target.yaml": example.target,
      ][file] ?? ""
    example.others[file] = text + "sepc: {}\n"
    let state = example.parse()
    #expect(state.broken == [web])
    #expect(state.targets.map(\.id) == [mailer])
    let problem = try #require(state.diagnostics.first)
    #expect(state.diagnostics.count == 1)
    #expect(problem.file == file)
    #expect(problem.line == text.split(separator: "\n", omittingEmptySubsequences: false).count)
    #expect(problem.column == 1)
    #expect(problem.suggestion == "did you mean \"spec\"?")
  }

  @Test(arguments: ["application.yaml", "env.yaml"])
  func `a file that cannot be read breaks what refers to it`(_ file: String) {
    var example = example()
    example.others[file] = "apiVersion: viridian.dev/v1alpha1\nkind: [\n"
    let state = example.parse()
    #expect(state.broken == [web])
    #expect(state.targets.map(\.id) == [mailer])
    #expect(!state.isComplete)
  }

  @Test func `a target in a file that cannot be read suspends all removals`() {
    var example = example()
    example.target = "apiVersion: viridian.dev/v1alpha1\nkind: [\n"
    let state = example.parse()
    #expect(!state.isComplete)
    #expect(state.targets.map(\.id) == [mailer])
  }

  @Test func `two documents of one name break what refers to them`() {
    for copied in ["application.yaml", "env.yaml", "target.yaml"] {
      var example = example()
      let text =
        [
          "application.yaml": example.application, "env.yaml": example.environment,
          "target.yaml": example.target,
        ][copied] ?? ""
      example.others["copy.yaml"] = text
      let state = example.parse()
      #expect(state.broken == [web], "\(copied)")
      #expect(state.targets.map(\.id) == [mailer])
      #expect(state.diagnostics.contains { $0.message.contains("declared twice") })
    }
  }

  @Test(arguments: [
    ("application: web", "application: wbe"), ("environment: production", "environment: test"),
  ]) func `a reference to nothing breaks the target and says so`(_ old: String, _ new: String) {
    let text = Example.target.replacing(old, with: new)
    let state = Example(target: text, others: Self.neighbours).parse()
    #expect(state.broken.count == 1)
    #expect(!state.targets.contains { $0.id == web })
    #expect(state.diagnostics.count == 1)
    #expect(state.diagnostics.first?.line == (old.hasPrefix("app") ? 5 : 6))
  }

  @Test func `a cycle of dependencies breaks all on it and none beside it`() {
    var example = Example()
    var targets = ""
    for (name, needs) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "")] {
      example.others["\(name).yaml"] = """
        apiVersion: viridian.dev/v1alpha1
        kind: Application
        metadata: { name: \(name) }
        spec:
          workload: { process: { artifact: a, command: [./a] } }
          traffic: { mode: none }
          dependsOn: [\(needs)]
        """
      targets += "\(name): 1.0.0, "
    }
    example.environment = Example.environment.replacing(
      "local }", with: "local, targets: { \(targets) } }")
    let state = example.parse()
    #expect(state.broken.map(\.application) == ["a", "b", "c"])
    #expect(state.targets.map(\.id.application) == ["d", "e", "web"])
    #expect(state.targets.first?.dependsOn == [TargetID("a", "production")])
  }

  @Test func `a long chain of dependencies takes no long time`() {
    var example = Example()
    var targets = ""
    for index in 0..<1500 {
      let needs = index == 0 ? "" : "a\(index - 1)"
      example.others["a\(index).yaml"] = """
        apiVersion: viridian.dev/v1alpha1
        kind: Application
        metadata: { name: a\(index) }
        spec:
          workload: { process: { artifact: a, command: [./a] } }
          traffic: { mode: none }
          dependsOn: [\(needs)]
        """
      targets += "a\(index): 1.0.0, "
    }
    example.environment = Example.environment.replacing(
      "local }", with: "local, targets: { \(targets) } }")
    let clock = ContinuousClock()
    let time = clock.measure { #expect(example.parse().targets.count == 1501) }
    #expect(time < .seconds(20), "\(time)")
  }

  @Test func `environments of other agents are left out with all that is wrong in them`() {
    var example = example()
    example.others["other.yaml"] = """
      apiVersion: viridian.dev/v1alpha1
      kind: Environment
      metadata: { name: elsewhere }
      spec: { platform: unknown-here, targets: { mailer: 1.0.0 } }
      """
    #expect(!example.parse().isComplete)
    let state = example.parse(serving: ["production", "staging"])
    #expect(state.isComplete)
    #expect(state.targets.map(\.id) == [web, mailer])
    #expect(example.parse(serving: ["staging"]).targets.map(\.id) == [mailer])
  }

  @Test func `a misspelt name leaves no target out silently`() {
    let slips = [
      (
        "environment: production", "environment: prodution",
        "no environment \"prodution\" is declared"
      ),
      ("application: web", "application: wbe", "no application \"wbe\" is declared"),
    ]
    for (right, wrong, message) in slips {
      for served: EnvironmentName in ["production", "staging"] {
        var example = Example()
        example.target = Example.target.replacing(right, with: wrong)
        let state = example.parse(serving: [served])
        #expect(state.diagnostics.map(\.message) == [message])
        #expect(state.targets.isEmpty && !state.isComplete)
      }
    }
  }

  @Test func `what is wrong in an application is told once, not with each target`() {
    var example = Example()
    example.application = example.application.replacing(
      "artifacts/web-${version}", with: "a ${nope}")
    example.others["second.yaml"] = Example.target.replacing("production", with: "staging")
      .replacing("8080", with: "8081")
    example.others["staging.yaml"] = Example.environment.replacing("production", with: "staging")
    let messages = example.parse().diagnostics.map(\.description)
    #expect(!messages.isEmpty && Set(messages).count == messages.count, "\(messages)")
  }

  @Test func `diagnostics are sorted by place`() {
    let text = Example.application.replacing("instances: 2", with: "zebra: 1\n  apple: 2")
    let state = Example(application: text, target: Example.target + "x: 1\n").parse()
    let places = state.diagnostics.map { "\($0.file):\($0.line)" }
    #expect(places == ["application.yaml:10", "application.yaml:11", "target.yaml:9"])
  }
}
