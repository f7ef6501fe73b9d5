import Manifest
import Model
import Testing

/// `group` of a Target.
@Suite struct GroupReadingTests {
  @Test func `a target may be in a group`() {
    let state = Self.example(group: "shop").parse()
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets.map(\.group) == ["shop"])
    #expect(Example().parse().targets.map(\.group) == [nil])
  }

  @Test func `it is no part of the digest`() {
    let with = Self.example(group: "shop").parse().targets.first?.declaredDigest
    #expect(with != nil && with == Example().parse().targets.first?.declaredDigest)
  }

  @Test(arguments: ["Shop", "\"\"", "a_b", "[shop]"]) func `it is a name`(_ group: String) {
    let state = Self.example(group: group).parse()
    #expect(state.broken.count == 1 && state.targets.isEmpty)
  }

  @Test func `an environment's short form has none`() {
    var example = Example(
      environment: Example.environment.replacing(
        "platform: local", with: "platform: local, targets: { web: { version: 1.0.0, group: a } }"))
    example.target = ""
    #expect(!example.parse().isComplete)
  }

  @Test func `versions that follow each other are no release`() {
    var example = Self.example(group: "shop")
    example.application += "  rollout: { onNewCommit: queue }\n"
    let state = example.parse()
    #expect(state.diagnostics.count == 1)
    #expect(state.diagnostics.first?.message.contains("onNewCommit queue") == true)
    #expect(state.broken.count == 1)
  }

  // MARK: - Dependencies

  /// `a > b` for a dependency, and the group of each.
  private func problems(_ groups: [String: String], _ edges: [(String, String)]) -> [String] {
    let names = Set(edges.flatMap { [$0.0, $0.1] }).sorted()
    var others: [String: String] = [:]
    for (index, name) in names.enumerated() {
      let needed = edges.filter { $0.0 == name }.map(\.1).joined(separator: ", ")
      others["\(name).yaml"] =
        Example.application.replacing("name: web", with: "name: \(name)")
        + "  dependsOn: [\(needed)]\n"
      others["\(name)-target.yaml"] =
        Example.target.replacing("web", with: name)
        .replacing("8080", with: "808\(index)")
        + (groups[name].map { "  group: \($0)\n" } ?? "")
    }
    return Example(others: others).parse().diagnostics.map(\.message)
  }

  @Test func `members may depend on each other, and on others`() {
    #expect(problems(["a": "g", "b": "g"], [("a", "b"), ("b", "c"), ("d", "a")]) == [])
  }

  @Test func `no chain leaves a group and leads back`() {
    let found = problems(["a": "g", "c": "g"], [("a", "b"), ("b", "c")])
    #expect(found.count == 2 && found.allSatisfy { $0.contains("b@production") })
  }

  @Test func `two groups do not wait for each other`() {
    let groups = ["a": "g", "b": "g", "c": "h", "d": "h"]
    #expect(problems(groups, [("a", "c"), ("d", "b")]).count == 4)
    #expect(problems(groups, [("a", "c"), ("b", "d")]) == [])
  }

  // MARK: - Sources

  @Test func `a group has one source`() throws {
    let one = Self.example(group: "shop").parse()
    var two = one
    two.source = "second"
    for index in two.targets.indices {
      two.targets[index].id = TargetID("api", "production")
      two.targets[index].source = "second"
      two.targets[index].route = nil
    }
    let found = Lint.problems([one, two], Example.platforms).map(\.message)
    #expect(found.count == 1 && found.first?.contains("main and second") == true)
    two.targets[0].group = "other"
    #expect(Lint.problems([one, two], Example.platforms).isEmpty)
  }

  private static func example(group: String) -> Example {
    Example(target: Example.target + "  group: \(group)\n")
  }
}
