import Agent
import LedgerKit
import Model
import Planning
import Testing

/// Who goes on with what was made under an earlier name.
@Suite struct RenamesTests {
  private let web = TargetID("web", "production")
  private let shop = TargetID("shop", "production")
  private let store = TargetID("store", "production")

  private func target(_ id: TargetID, _ source: SourceName = "main") -> DesiredTarget {
    let spec = StackSpec(workloadKind: "process", workload: .string("1"))
    return DesiredTarget(
      id: id, source: source, commit: "c", version: "1", platform: "local", spec: spec,
      declaredDigest: spec.declaredDigest)
  }

  /// A source whose newest commit declares these targets.
  private func view(
    _ targets: [TargetID], renames: [TargetID: TargetID] = [:], name: SourceName = "main",
    hasErrors: Bool = false, health: SourceState.Health = .current
  ) -> SourceView {
    let state = DesiredState(
      source: name, commit: "c", targets: targets.map { target($0, name) },
      diagnostics: hasErrors ? [Diagnostic(file: "x.yaml", message: "wrong")] : [],
      renames: renames)
    return SourceView(
      state: SourceState(health: health, commit: "c", isComplete: true, targetCount: 1),
      desired: state)
  }

  /// It runs, launched from `main`.
  private func running(_ id: TargetID) -> Shared<TargetRecord> {
    let spec = target(id)
    let stack = StackRecord(
      role: .stable, version: "1", declaredDigest: spec.declaredDigest,
      stackDigest: Digest.of("x"), intended: 1)
    return Shared(
      TargetRecord(nextGeneration: 4, stable: 3, stacks: [3: stack], lastGood: spec))
  }

  private func stack(_ id: TargetID) -> StackObservation {
    let spec = target(id)
    return StackObservation(
      certificate: BirthCertificate(
        owner: "o", stack: StackID(id, 3), source: "main", commit: "c", version: "1",
        declaredDigest: spec.declaredDigest, stackDigest: Digest.of("x"), spec: spec.spec,
        resolved: [], traffic: .http, platform: "local", platformIdentity: "host", launch: "l",
        ledgerSequence: 1, createdAt: WallTime(milliseconds: 0)),
      phase: .complete, capacity: Capacity(declared: 1, intended: 1, running: 1))
  }

  private func renames(
    _ sources: [SourceName: SourceView], _ records: [TargetID: Shared<TargetRecord>] = [:],
    heirs: [TargetID: TargetID] = [:], live: [TargetID] = []
  ) -> Renames {
    Renames(
      sources, records: records, heirs: heirs,
      stacks: Dictionary(uniqueKeysWithValues: live.map { ($0, [stack($0)]) }))
  }

  @Test func `the commit that gives one name up and declares the other moves what runs`() {
    let renames = renames(["main": view([shop], renames: [shop: web])], [web: running(web)])
    #expect(renames.adopted == [web: shop])
    #expect(renames.heirs == [web: shop])
    #expect(renames.contests.isEmpty)
  }

  /// Whatever the pass decides, and also when nothing else has changed: one without the other would
  /// lose what runs at the next start.
  @Test func `the ledger gets record and names in one write`() throws {
    let now = Now(bootID: "b", sinceBoot: .seconds(9), wall: WallTime(milliseconds: 9))
    var state = try PassState(LedgerContents(isNew: false, lastSequence: 1))
    state.records = [web: running(web)]
    state.clocksWritten = now
    state.adopt(renames(["main": view([shop], renames: [shop: web])], state.records), at: now)
    let plan = TargetPlan(
      target: shop, record: state.records[shop]?.value, status: TargetStatus(target: shop))
    let output = PlanningOutput(plan: [plan], memory: state.agentRecord.memory)
    let write = try state.write(for: output, sources: [:], intents: [], at: now)
    #expect(write.records.keys.sorted() == [shop, web].sorted())
    #expect(write.records.keys.contains(web) && write.records[web]! == nil)
    #expect(try write.records[shop]??.text().contains("\"nextGeneration\":4") == true)
    #expect(try write.agentRecord?.text().contains("heirs") == true)
    #expect(write.entries.map(\.target) == [web, shop])
  }

  @Test func `the line may stay for ever`() {
    let renames = renames(
      ["main": view([shop], renames: [shop: web])], [shop: running(shop)], heirs: [web: shop],
      live: [web])
    #expect(renames.adopted.isEmpty && renames.contests.isEmpty)
  }

  @Test func `without anything to adopt it is a new target`() {
    let renames = renames(["main": view([shop], renames: [shop: web])])
    #expect(renames.adopted.isEmpty && renames.contests.isEmpty)
  }

  @Test(arguments: [
    SourceState.Health.held(reason: "force-push"), .unreachable(reason: "no network"), .current,
  ])
  func `nothing is adopted before a source has given the name up`(health: SourceState.Health) {
    let source = view(
      [shop], renames: [shop: web], hasErrors: health == .current, health: health)
    let renames = renames(["main": source], [web: running(web)])
    #expect(renames.adopted.isEmpty)
    #expect(renames.contests[shop]?.isOpen == true)
  }

  @Test func `a name that another source declares is not adopted`() {
    let renames = renames(
      ["main": view([shop], renames: [shop: web]), "team": view([web], name: "team")],
      [web: running(web)])
    #expect(renames.adopted.isEmpty)
    #expect(renames.contests[shop]?.message.contains("web@production is declared still") == true)
    #expect(renames.contests[web] == nil)
  }

  @Test func `what serves is not removed for a target that has stacks of its own`() {
    let renames = renames(
      ["main": view([shop], renames: [shop: web])], [web: running(web), shop: running(shop)])
    #expect(renames.adopted.isEmpty)
    #expect(renames.contests[web]?.isOpen == true)
  }

  @Test func `a revert takes the rename back`() {
    let renames = renames(["main": view([web])], [shop: running(shop)], heirs: [web: shop])
    #expect(renames.adopted == [shop: web])
    #expect(renames.heirs == [shop: web])
    #expect(renames.contests.isEmpty)
  }

  @Test func `a name in use is nobody else's`() {
    let renames = renames(
      ["main": view([shop, web], renames: [shop: web])], [shop: running(shop)],
      heirs: [web: shop])
    #expect(renames.adopted.isEmpty)
    #expect(renames.contests[web]?.message.contains("shop@production was called") == true)
    #expect(renames.contests[shop] == nil)
  }

  @Test func `a second rename, by any of the names`() {
    for before in [web, shop] {
      let renames = renames(
        ["main": view([store], renames: [store: before])], [shop: running(shop)],
        heirs: [web: shop])
      #expect(renames.adopted == [shop: store])
      #expect(renames.heirs == [web: store, shop: store])
    }
  }

  @Test func `of two that want one name, one adopts and the other is told`() {
    let renames = renames(
      [
        "main": view([shop], renames: [shop: web]),
        "team": view([store], renames: [store: web], name: "team"),
      ], [web: running(web)])
    #expect(renames.adopted == [web: shop])
    let message = renames.contests[store]?.message ?? ""
    #expect(message.contains("web@production, which is called shop@production today"))
  }

  @Test func `after a lost ledger a route is theirs whose stacks are behind it`() {
    func route(_ launch: String) -> [TargetID: RouteObservation] {
      let backend = Backend(generation: 3, launch: launch, endpoints: [], weightPercent: 100)
      let route = Route(
        target: web, mode: .http, declaration: ["listen": "127.0.0.1:1"], backends: [backend])
      return [web: RouteObservation(route: route, revision: "r")]
    }
    let sources: [SourceName: SourceView] = ["main": view([shop])]
    func heirs(_ launch: String, records: [TargetID: Shared<TargetRecord>] = [:]) -> [TargetID:
      TargetID]
    {
      Renames(
        sources, records: records, heirs: [:], stacks: [shop: [stack(shop)]], routes: route(launch)
      ).heirs
    }
    #expect(heirs("l") == [web: shop])
    #expect(heirs("of another") == [:])
    #expect(heirs("l", records: [web: running(web)]) == [:], "what is recorded is known")
  }

  @Test func `after a lost ledger the certificates tell, once every source was read`() {
    let sources: [SourceName: SourceView] = [
      "main": view([shop], renames: [shop: web]), "team": view([], name: "team"),
    ]
    #expect(renames(sources, live: [web]).adopted == [web: shop])
    var unread = sources
    unread["team"]?.desired = nil
    let renames = renames(unread, live: [web])
    #expect(renames.adopted.isEmpty && renames.contests[shop]?.isOpen == true)
  }
}
