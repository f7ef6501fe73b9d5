import Manifest
import Model
import Testing

@Suite struct LintTests {
  private func target(
    _ name: ApplicationName, _ environment: EnvironmentName, listen: String,
    preview: String? = nil, source: SourceName
  ) throws -> DesiredState {
    var target = try #require(Example().onlyTarget())
    target.id = TargetID(name, environment)
    target.source = source
    target.route = .present(["listen": .string(listen), "preview": preview.map { .string($0) }])
    return DesiredState(source: source, commit: "c", targets: [target])
  }

  private func problems(_ states: [DesiredState]) -> [String] {
    Lint.problems(states, Example.platforms).map(\.message)
  }

  @Test func `sources that share nothing have no problems`() throws {
    let one = try target("web", "production", listen: "127.0.0.1:80", source: "one")
    let two = try target("web", "staging", listen: "127.0.0.1:81", source: "two")
    #expect(problems([one, two]).isEmpty)
    #expect(problems([one]).isEmpty)
  }

  @Test func `a target in two sources is named with both`() throws {
    let one = try target("web", "production", listen: "127.0.0.1:80", source: "one")
    let two = try target("web", "production", listen: "127.0.0.1:80", source: "two")
    let found = Lint.problems([two, one], Example.platforms)
    #expect(
      found.map(\.message) == [
        "web@production is declared by two (target.yaml:7), too: leave it to one source",
        "web@production is declared by one (target.yaml:7), too: leave it to one source",
      ])
    #expect(found.allSatisfy { $0.file == "target.yaml" && $0.line == 7 && $0.severity == .error })
    #expect(Lint.contested([two, one]).map(\.source) == ["one", "two"])
  }

  @Test func `two targets whose stacks would have one name are refused`() throws {
    let one = try target("a-b", "c", listen: "127.0.0.1:80", source: "one")
    let two = try target("a", "b-c", listen: "127.0.0.1:81", source: "two")
    #expect(problems([one, two]).count == 1)
  }

  @Test(arguments: ["127.0.0.1:80", "*:80", "0.0.0.0:80", "[::]:80"])
  func `two routes on one port clash, also by way of all addresses`(_ listen: String) throws {
    let one = try target("web", "production", listen: "127.0.0.1:80", source: "one")
    let two = try target("api", "production", listen: listen, source: "two")
    #expect(problems([one, two]).count == 1)
    #expect(problems([two, one]).count == 1)
  }

  @Test func `a preview clashes like what it stands beside`() throws {
    let one = try target("web", "production", listen: "127.0.0.1:80", source: "one")
    for listen in ["127.0.0.1:80", "127.0.0.1:82"] {
      let two = try target(
        "api", "production", listen: listen, preview: "*:\(listen.hasSuffix("0") ? 81 : 80)",
        source: "two")
      #expect(problems([one, two]) == ["web@production and api@production both claim \"port 80\""])
    }
    let other = try target(
      "api", "production", listen: "127.0.0.1:82", preview: "127.0.0.1:81", source: "two")
    #expect(problems([one, other]) == [])
  }
}
