package import Model
package import Planning

/// Everything one pass has read, before it is sorted by target. Assembling it is pure.
package struct PassInputs: Sendable {
  package var now: Now
  package var interval: Duration
  package var agent: AgentConditions
  package var limits: PlanningLimits
  package var sources: [SourceName: SourceView]
  package var claims: Claims
  package var renames: Renames
  /// By target, each sorted by generation.
  package var stacks: [TargetID: [StackObservation]]
  package var platforms: [PlatformName: Observed<LiveState>]
  package var routes: [PlatformName: Observed<[TargetID: Observed<RouteObservation>]>]
  /// How late a listing of the platform, and a reading of its router, may show what was done.
  package var propagations: [PlatformName: (stacks: Duration, route: Duration)]
  package var probes: [ProbeBook.Key: ProbeReport]
  package var inspections: [ProbeBook.Key: InspectionReport]
  package var fingerprints: [StackID: Fingerprint]
  package var resolutions: [TargetID: Resolution]
  package var freezes: [TargetID: String]
  package var inFlight: [TargetID: [Action]]
  package var outcomes: [TargetID: [ActionOutcome]]
  package var records: [TargetID: Shared<TargetRecord>]
  package var requests: [OperatorRequest]
  package var memory: AgentMemory
  /// Requests by stack and series, of targets whose traffic is judged.
  package var counts: [TargetID: Observed<[Generation: [String: RequestCounts]]>] = [:]
  /// Of metrics that judge them.
  package var metrics: [TargetID: [String: Observed<MetricReading>]] = [:]
  /// Of tests that their rollouts ask for.
  package var tests: [TargetID: [String: TestResult]] = [:]
  package init(
    now: Now, interval: Duration, agent: AgentConditions, limits: PlanningLimits,
    sources: [SourceName: SourceView], claims: Claims, renames: Renames,
    stacks: [TargetID: [StackObservation]],
    platforms: [PlatformName: Observed<LiveState>],
    routes: [PlatformName: Observed<[TargetID: Observed<RouteObservation>]>],
    propagations: [PlatformName: (stacks: Duration, route: Duration)],
    probes: [ProbeBook.Key: ProbeReport], inspections: [ProbeBook.Key: InspectionReport],
    fingerprints: [StackID: Fingerprint], resolutions: [TargetID: Resolution],
    freezes: [TargetID: String], inFlight: [TargetID: [Action]],
    outcomes: [TargetID: [ActionOutcome]], records: [TargetID: Shared<TargetRecord>],
    requests: [OperatorRequest], memory: AgentMemory
  ) {
    self.now = now
    self.interval = interval
    self.agent = agent
    self.limits = limits
    self.sources = sources
    self.claims = claims
    self.renames = renames
    self.stacks = stacks
    self.platforms = platforms
    self.routes = routes
    self.propagations = propagations
    self.probes = probes
    self.inspections = inspections
    self.fingerprints = fingerprints
    self.resolutions = resolutions
    self.freezes = freezes
    self.inFlight = inFlight
    self.outcomes = outcomes
    self.records = records
    self.requests = requests
    self.memory = memory
  }

  /// Sorted by target: the union of what is declared, recorded and live.
  package func planningInput() -> PlanningInput {
    planningInput(of: Set(claims.declared.keys).union(records.keys).union(stacks.keys))
  }

  /// Of these targets alone.
  func planningInput(of ids: Set<TargetID>) -> PlanningInput {
    return PlanningInput(
      now: now, interval: interval, agent: agent, limits: limits,
      sources: sources.mapValues(\.state),
      targets: ids.sorted().map { target($0, stacks: stacks[$0] ?? []) },
      requests: requests, memory: memory)
  }

  /// Forgets what a pass may change itself, and what was read of single targets.
  mutating func forgetSingle() {
    (probes, inspections, inFlight, outcomes) = ([:], [:], [:], [:])
    (counts, metrics, tests) = ([:], [:], [:])
    (records, fingerprints, requests, memory) = ([:], [:], [], AgentMemory())
  }

  private func target(_ id: TargetID, stacks: [StackObservation]) -> TargetInput {
    let record = records[id]?.value
    let desired = desiredInput(id, record)
    let platform =
      desired.target?.platform ?? stacks.first?.certificate.platform
      ?? record?.lastGood?.platform
    let keys = stacks.map { ($0.id.generation, ProbeBook.Key($0.certificate)) }
    let propagation = platform.flatMap { propagations[$0] } ?? (.zero, .zero)
    var input = TargetInput(
      id: id, formerly: renames.names(before: id), desired: desired, contest: contest(id),
      resolution: resolutions[id] ?? .waiting(reason: "not resolved yet"), freeze: freezes[id],
      stacks: observed(stacks, on: platform), stacksPropagation: propagation.stacks,
      foreign: foreign(id, on: platform),
      probes: byGeneration(keys, probes), inspections: byGeneration(keys, inspections),
      fingerprints: fingerprints(of: id, record, stacks),
      route: route(id, on: platform), routePropagation: propagation.route,
      inFlight: inFlight[id] ?? [], outcomes: outcomes[id] ?? [], record: record)
    (input.counts, input.metrics, input.tests) = (counts[id], metrics[id], tests[id])
    return input
  }

  /// Of the stacks that are recorded or there.
  private func fingerprints(
    of id: TargetID, _ record: TargetRecord?, _ stacks: [StackObservation]
  ) -> [Generation: Fingerprint] {
    let recorded = record.map { Array($0.stacks.keys) } ?? []
    let generations = Set(recorded + stacks.map(\.id.generation))
    return Dictionary(
      uniqueKeysWithValues: generations.compactMap { generation in
        fingerprints[StackID(id, generation)].map { (generation, $0) }
      })
  }

  private func desiredInput(
    _ id: TargetID, _ record: TargetRecord?
  ) -> DesiredInput {
    let declared = claims.declared[id]
    let lastGood = record?.lastGood
    if let contest = contest(id), contest.isOpen, declared == nil, let lastGood {
      return .held(lastGood: lastGood, reason: contest.message)
    }
    let name = declared?.source ?? claims.keepers[id] ?? lastGood?.source
    guard let name else { return .undeclared }
    let said = sources[name]?.says(of: id, declared: declared, lastGood: lastGood)
    if let said { return said }
    guard let lastGood, sources[name] != nil else { return .undeclared }
    return .held(lastGood: lastGood, reason: "its source \(name) was not read yet")
  }

  private func contest(_ id: TargetID) -> Contest? { renames.contests[id] ?? claims.contests[id] }

  /// By the name in the certificate.
  static func byName(
    _ platforms: [PlatformName: Observed<LiveState>]
  ) -> [TargetID: [StackObservation]] {
    var result: [TargetID: [StackObservation]] = [:]
    for live in platforms.values {
      for stack in live.value?.stacks ?? [] { result[stack.id.target, default: []].append(stack) }
    }
    return result
  }

  /// The routes that could be read, of all routers.
  static func known(
    _ routes: [PlatformName: Observed<[TargetID: Observed<RouteObservation>]>]
  ) -> [TargetID: RouteObservation] {
    var result: [TargetID: RouteObservation] = [:]
    for all in routes.values.compactMap(\.value) {
      for (name, route) in all { result[name] = route.value }
    }
    return result
  }

  private func observed(
    _ stacks: [StackObservation], on platform: PlatformName?
  ) -> Observed<[StackObservation]> {
    let relevant = platform.map { [$0] } ?? Array(platforms.keys)
    for name in relevant.sorted() {
      switch platforms[name] {
      case .known: continue
      case .unknown(let reason): return .unknown(reason: reason)
      case nil: return .unknown(reason: "no platform \"\(name)\" in this agent's configuration")
      }
    }
    return .known(stacks)
  }

  private func foreign(_ id: TargetID, on platform: PlatformName?) -> [ForeignObject] {
    guard let platform, let live = platforms[platform]?.value else { return [] }
    let prefix = "\(id.application)-\(id.environment)-v"
    return live.foreign.filter { $0.name.hasPrefix(prefix) }
  }

  func route(
    _ id: TargetID, on platform: PlatformName?
  ) -> Observed<RouteObservation?> {
    guard let platform, let routes = routes[platform] else {
      return .unknown(reason: "no router answered yet")
    }
    switch routes {
    case .unknown(let reason): return .unknown(reason: reason)
    case .known(let all):
      // A route keeps the name under which it was made, whoever bears another one.
      let names = [id] + renames.names(before: id)
      let name = renames.heir(of: id) == id ? names.first { all[$0] != nil } : nil
      switch name.flatMap({ all[$0] }) {
      case nil: return .known(nil)
      case .known(let route): return .known(route)
      case .unknown(let reason): return .unknown(reason: reason)
      }
    }
  }

  private func byGeneration<Value>(
    _ keys: [(Generation, ProbeBook.Key)], _ values: [ProbeBook.Key: Value]
  ) -> [Generation: Value] {
    Dictionary(keys.compactMap { pair in values[pair.1].map { (pair.0, $0) } }) { first, _ in first
    }
  }
}

extension ProbeBook.Key {
  package init(_ certificate: BirthCertificate) {
    self.init(stack: certificate.stack, launch: certificate.launch)
  }
}
