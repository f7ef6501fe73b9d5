import Agent
import Model
import Planning
import Testing

/// Whose word counts for a target that two sources speak of.
@Suite struct ClaimsTests {
  private let web = TargetID("web", "production")

  private func target(_ source: SourceName, version: String = "1") -> DesiredTarget {
    let spec = StackSpec(workloadKind: "process", workload: .string(version))
    return DesiredTarget(
      id: web, source: source, commit: "c", version: version, platform: "local", spec: spec,
      declaredDigest: spec.declaredDigest,
      declaredAt: FilePosition(file: "\(source).yaml", line: 7))
  }

  /// A source that was read: with the target, with it in a wrong document, or without.
  private func view(
    _ name: SourceName, declares: Bool = true, isBroken: Bool = false, hasErrors: Bool = false
  ) -> SourceView {
    let isDeclared = declares && !isBroken
    let state = DesiredState(
      source: name, commit: "c", targets: isDeclared ? [target(name)] : [],
      broken: isBroken ? [web] : [],
      diagnostics: isBroken || hasErrors ? [Diagnostic(file: "x.yaml", message: "wrong")] : [])
    return SourceView(
      state: SourceState(health: .current, commit: "c", isComplete: true, targetCount: 1),
      desired: state)
  }

  private var unread: SourceView {
    SourceView(
      state: SourceState(
        health: .unreachable(reason: "not asked"), isComplete: false, targetCount: 0))
  }

  /// It runs, launched from `main`.
  private var running: [TargetID: Shared<TargetRecord>] {
    let spec = target("main").spec
    let stack = StackRecord(
      role: .stable, version: "1", declaredDigest: spec.declaredDigest,
      stackDigest: Digest.of("x"), intended: 1)
    return [
      web: Shared(
        TargetRecord(nextGeneration: 2, stable: 1, stacks: [1: stack], lastGood: target("main")))
    ]
  }

  private func claims(
    _ sources: [SourceName: SourceView], _ records: [TargetID: Shared<TargetRecord>] = [:]
  ) -> Claims { Claims(sources, records: records, stacks: [:]) }

  @Test func `one declaration is nobody's business but its source's`() {
    let claims = claims(["main": view("main"), "team": view("team", declares: false)])
    #expect(claims.declared[web]?.source == "main")
    #expect(claims.contests.isEmpty)
  }

  @Test func `a new target of two sources is nobody's, and both places are named`() throws {
    // What was shown in an earlier pass is remembered, but runs nowhere.
    let held = [web: Shared(TargetRecord(lastGood: target("main")))]
    for records in [[:], held] {
      let contest = try #require(
        claims(["main": view("main"), "team": view("team")], records).contests[web])
      #expect(contest.isOpen)
      #expect(contest.message.contains("main (main.yaml:7) and team (team.yaml:7)"))
    }
  }

  @Test func `a target that runs stays with its source, whatever the names`() throws {
    for other in ["alpha", "team"] as [SourceName] {
      let claims = claims(["main": view("main"), other: view(other)], running)
      #expect(claims.declared[web]?.source == "main")
      let contest = try #require(claims.contests[web])
      #expect(!contest.isOpen && contest.message.contains("\(other) (\(other).yaml:7)"))
    }
  }

  @Test func `a wrong document gives no target away`() {
    let claims = claims(["main": view("main", isBroken: true), "team": view("team")], running)
    #expect(claims.declared[web] == nil && claims.keepers[web] == "main")
  }

  @Test func `neither does a source that was not read yet, or not completely`() {
    for main in [unread, view("main", declares: false, hasErrors: true)] {
      let claims = claims(["main": main, "team": view("team")], running)
      #expect(claims.declared[web] == nil && claims.keepers[web] == "main")
    }
  }

  @Test func `a target goes over when its source says that it is gone, or is gone itself`() {
    let without: [SourceName: SourceView] = [
      "main": view("main", declares: false), "team": view("team"),
    ]
    for sources in [without, ["team": view("team")]] as [[SourceName: SourceView]] {
      let claims = claims(sources, running)
      #expect(claims.declared[web]?.source == "team" && claims.contests.isEmpty)
    }
  }

  @Test func `what runs is given to none of two heirs`() {
    let claims = claims(
      ["main": view("main", declares: false), "one": view("one"), "two": view("two")], running)
    #expect(claims.declared[web] == nil)
    #expect(claims.contests[web]?.isOpen == true)
  }
}
