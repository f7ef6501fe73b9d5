import LedgerKit
import Logging
import Model
import Planning
import PlatformKit

extension Pass {
  /// Reads the world and the ledger's requests, each platform and router apart, so that one that
  /// hangs or fails is `.unknown` and stops nobody else.
  ///
  /// `isPreview`: for a question that changes nothing.
  func observe(
    _ state: inout PassState, _ sources: [SourceName: SourceView], at now: Now,
    isPreview: Bool = false
  ) async -> PlanningInput {
    // What ends after this is seen by the next pass: an outcome must not be newer than the world.
    let inFlight = await parts.executor.inFlight
    let outcomes = isPreview ? [:] : await parts.executor.takeOutcomes()
    let (platforms, routes) = await observePlaces()
    let isObserving = conditions(state).isObserving
    let late = parts.places.values.map(\.platform.propagation).max() ?? .zero
    state.judgeLedger(
      Array(platforms.values), isObserving: isObserving,
      isSettled: state.watched(until: now, interval: parts.interval) >= late)
    let requests = await requests(after: state.agentRecord.memory)
    if !isPreview, let last = state.reading, !state.plansAll {
      var inputs = last.inputs
      (inputs.now, inputs.agent, inputs.limits) = (now, conditions(state), limits)
      (inputs.sources, inputs.platforms, inputs.routes) = (sources, platforms, routes)
      (inputs.inFlight, inputs.outcomes, inputs.requests) = (inFlight, outcomes, requests)
      if let again = await observeAgain(inputs, after: last, &state) { return again }
    }
    state.wake()
    state.watch(until: now, interval: parts.interval)
    let revisions = (
      prober: await parts.prober.changes(since: .max, at: now).revision,
      inspector: await parts.inspector.changes(since: .max).revision
    )
    let named = PassInputs.byName(platforms)
    let renames = Renames(
      sources, records: state.records, heirs: state.agentRecord.memory.heirs ?? [:], stacks: named,
      routes: PassInputs.known(routes))
    // Another agent may be writing to the ledger already.
    if parts.lease?.isHeld ?? true { state.adopt(renames, at: now) }
    let stacks = renames.regrouped(named).mapValues { stacks in
      stacks.sorted { $0.id.generation < $1.id.generation }
    }
    if !isPreview { await follow(stacks, state.fingerprints, at: now) }
    let claims = Claims(sources, records: state.records, stacks: stacks)
    let desired = Array(claims.declared.values)
    var inputs = PassInputs(
      now: now, interval: parts.interval, agent: conditions(state),
      limits: limits, sources: sources, claims: claims, renames: renames, stacks: stacks,
      platforms: platforms, routes: routes,
      propagations: parts.places.mapValues {
        ($0.platform.propagation, $0.router.limits.propagation)
      },
      probes: await parts.prober.reports(at: now),
      inspections: await parts.inspector.current(at: now),
      fingerprints: state.fingerprints,
      resolutions: await resolutions(desired, at: commits(of: sources), isPreview: isPreview),
      freezes: freezes(desired, at: now), inFlight: renames.regrouped(inFlight),
      outcomes: renames.regrouped(outcomes),
      records: state.records, requests: requests, memory: state.agentRecord.memory)
    if !isPreview { await measure(state, &inputs) }
    let input = inputs.planningInput()
    state.isWhole = true
    state.reading = nil
    if renames.isNone {
      inputs.forgetSingle()
      inputs.renames = .none
      state.reading = Reading(
        inputs: inputs, freezable: desired.filter { !$0.freeze.isEmpty },
        resolver: await parts.resolver.settledRevision, prober: revisions.prober,
        inspector: revisions.inspector)
    }
    return input
  }

  private func conditions(_ state: PassState) -> AgentConditions {
    AgentConditions(
      mode: parts.mode, holdsLease: parts.lease?.isHeld ?? true, isLedgerLost: state.isLedgerLost)
  }

  /// What the sources say now. `preview`: the state that one of them would have.
  func sources(instead preview: DesiredState? = nil) async -> [SourceName: SourceView] {
    var views = await parts.board.current
    guard let preview else { return served(views) }
    views[preview.source] = SourceView(
      state: SourceState(
        health: .current, commit: preview.commit, isComplete: preview.isComplete,
        targetCount: preview.targets.count),
      desired: preview)
    return served(views)
  }

  /// The newest commit of each source.
  func commits(of sources: [SourceName: SourceView]) -> [SourceName: CommitID] {
    sources.compactMapValues(\.state.commit)
  }

  /// `targets`: only theirs may be others than before; nil: all.
  func follow(
    _ stacks: [TargetID: [StackObservation]], _ fingerprints: [StackID: Fingerprint],
    of targets: Set<TargetID>? = nil, at now: Now
  ) async {
    if let targets {
      await parts.prober.follow(stacks.values.flatMap { $0 }, of: targets)
    } else {
      await parts.prober.follow(stacks.values.flatMap { $0 })
    }
    let all = stacks.flatMap { target, stacks in stacks.map { (target, $0) } }
    let unread = all.filter { fingerprints[StackID($0.0, $0.1.id.generation)] == nil }
    let probes = await parts.prober.reports(
      of: unread.map { ProbeBook.Key($0.1.certificate) }, at: now)
    let subjects = all.compactMap { target, stack -> Inspector.Subject? in
      guard let place = parts.places[stack.certificate.platform] else { return nil }
      var subject = Inspector.Subject(stack: stack, platform: place.platform)
      if fingerprints[StackID(target, stack.id.generation)] == nil,
        let probe = probes[ProbeBook.Key(stack.certificate)],
        probe.proven >= max(1, stack.capacity.intended)
      {
        subject.provenFor = probe.provenFor
      }
      return subject
    }
    if let targets {
      await parts.inspector.follow(subjects, of: targets, at: now)
    } else {
      await parts.inspector.follow(subjects, at: now)
    }
  }

  /// Only targets of environments that this agent serves.
  private func served(_ views: [SourceName: SourceView]) -> [SourceName: SourceView] {
    guard !parts.environments.isEmpty else { return views }
    return views.mapValues { view in
      var view = view
      view.desired?.targets.removeAll { !parts.environments.contains($0.id.environment) }
      view.desired?.broken.removeAll { !parts.environments.contains($0.environment) }
      view.state.targetCount = view.desired?.targets.count ?? 0
      return view
    }
  }

  /// A preview fetches nothing: what is not resolved yet is taken as its declared name, so that the
  /// plan goes on to what matters.
  private func resolutions(
    _ desired: [DesiredTarget], at commits: [SourceName: CommitID], isPreview: Bool
  ) async -> [TargetID: Resolution] {
    guard isPreview else { return await parts.resolver.resolutions(of: desired, at: commits) }
    let known = await parts.resolver.known(of: desired)
    let assumed = desired.map { target -> (TargetID, Resolution) in
      if case .resolved(let digest, let inputs)? = known[target.id] {
        return (target.id, .resolved(stackDigest: digest, inputs: inputs))
      }
      let inputs = target.spec.inputs.map {
        ResolvedInput(reference: $0, identity: "unresolved:\($0.key)")
      }
      return (
        target.id, .resolved(stackDigest: target.spec.stackDigest(inputs), inputs: inputs)
      )
    }
    return Dictionary(assumed) { first, _ in first }
  }

  private func observePlaces() async -> (
    [PlatformName: Observed<LiveState>],
    [PlatformName: Observed<[TargetID: Observed<RouteObservation>]>]
  ) {
    await withTaskGroup { group in
      for (name, place) in parts.places {
        group.addTask { (name, await observe(place.platform), await read(place.router)) }
      }
      var platforms: [PlatformName: Observed<LiveState>] = [:]
      var routes: [PlatformName: Observed<[TargetID: Observed<RouteObservation>]>] = [:]
      for await (name, live, read) in group {
        platforms[name] = live
        routes[name] = read
      }
      return (platforms, routes)
    }
  }

  private func observe(_ platform: any Platform) async -> Observed<LiveState> {
    do throws(PlatformError) {
      return .known(try await platform.observe())
    } catch {
      return .unknown(reason: "platform \(platform.name): \(error)")
    }
  }

  private func read(
    _ router: any TrafficRouter
  ) async -> Observed<[TargetID: Observed<RouteObservation>]> {
    do throws(PlatformError) {
      return .known(try await router.read())
    } catch {
      return .unknown(reason: "router: \(error)")
    }
  }

  private var limits: PlanningLimits {
    var limits = parts.limits
    let slots = parts.places.values.map(\.router.limits.stacksPerRoute).min()
    limits.stacksPerRoute = slots ?? limits.stacksPerRoute
    return limits
  }

  func freezes(_ desired: [DesiredTarget], at now: Now) -> [TargetID: String] {
    var result: [TargetID: String] = [:]
    // Many targets have the same windows.
    var texts: [[FreezeWindow]: String?] = [:]
    for target in desired where !target.freeze.isEmpty {
      let text = texts[target.freeze] ?? text(of: FreezeSchedule.state(target.freeze, at: now.wall))
      texts[target.freeze] = .some(text)
      result[target.id] = text
    }
    return result
  }

  private func text(of state: FreezeSchedule.State) -> String? {
    guard case .frozen(let until, let window) = state else { return nil }
    return window + (until.map { ", until \($0)" } ?? "")
  }

  private func requests(after memory: AgentMemory) async -> [OperatorRequest] {
    do {
      return try await parts.ledger.requests(after: memory.handledRequest)
    } catch {
      log.error("operator requests cannot be read", metadata: ["error": "\(error)"])
      return []
    }
  }
}
