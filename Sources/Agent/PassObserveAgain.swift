import Model
import Planning
import PlatformKit

extension Pass {
  /// Most of what is read is as it was: only the targets of which something differs, those that are
  /// not at rest and those of which a clock is due are planned. nil: all are.
  func observeAgain(
    _ read: PassInputs, after last: Reading, _ state: inout PassState
  ) async -> PlanningInput? {
    let (now, interval) = (read.now, parts.interval)
    var inputs = read
    guard let declared = inputs.declarations(since: last.inputs),
      inputs.claims.follow(inputs.sources, changed: declared)
    else { return nil }
    let freezable = inputs.claims.freezable(after: last.freezable, changed: declared)
    inputs.freezes = freezes(freezable, at: now)
    guard var changed = inputs.changes(since: last.inputs) else { return nil }
    changed.formUnion(declared)
    changed.formUnion(await resolve(&inputs, declared, after: last))
    guard let seen = await watch(&changed, &inputs, after: last, state, at: now) else { return nil }
    let awake = changed.union(state.due(at: now, interval: interval))
    guard inputs.claims.isSame(for: awake, records: state.records, stacks: inputs.stacks) else {
      return nil
    }
    state.wake(awake)
    state.watch(until: now, interval: interval)
    let keys = awake.flatMap { inputs.stacks[$0] ?? [] }.map { ProbeBook.Key($0.certificate) }
    inputs.probes = await parts.prober.reports(of: keys, at: now)
    inputs.inspections = await parts.inspector.current(of: keys, at: now)
    (inputs.records, inputs.memory) = (state.records, state.agentRecord.memory)
    inputs.fingerprints = awake.isEmpty ? [:] : state.fingerprints
    await measure(state, &inputs)
    let input = inputs.planningInput(of: awake)
    inputs.forgetSingle()
    state.isWhole = false
    state.reading = Reading(
      inputs: inputs, freezable: freezable,
      resolver: await parts.resolver.settledRevision, prober: seen.prober,
      inspector: seen.inspector)
    return input
  }

  /// Asks for what the declared targets need, as far as the answer may be another; what differs.
  private func resolve(
    _ inputs: inout PassInputs, _ declared: Set<TargetID>, after last: Reading
  ) async -> [TargetID] {
    let (resolver, claims) = (parts.resolver, inputs.claims)
    let commits = commits(of: inputs.sources)
    let (old, settled) = (inputs.resolutions, await resolver.settledRevision)
    if settled == nil || settled != last.resolver {
      inputs.resolutions = await resolver.resolutions(
        of: Array(claims.declared.values), at: commits)
      return inputs.resolutions.filter { $0.value != old[$0.key] }.map(\.key)
    }
    guard commits != self.commits(of: last.inputs.sources) else { return [] }
    let changed = claims.declared.values.filter {
      $0.isReadForEachCommit || (!declared.isEmpty && declared.contains($0.id))
    }
    let new = await resolver.resolutions(ofChanged: changed, at: commits)
    inputs.resolutions.merge(new) { _, new in new }
    return new.filter { $0.value != old[$0.key] }.map(\.key)
  }

  /// Lets prober and inspector follow what is there now, and adds the targets of which they have seen
  /// something new. nil: of one that nobody knew.
  private func watch(
    _ changed: inout Set<TargetID>, _ inputs: inout PassInputs, after last: Reading,
    _ state: PassState, at now: Now
  ) async -> (prober: Int, inspector: Int)? {
    let isKnown = { (target: TargetID) in
      state.resting[target] != nil || state.restless.contains(target)
    }
    let awake = changed.union(state.due(at: now, interval: parts.interval))
    guard changed.allSatisfy(isKnown) else { return nil }
    inputs.regroup(awake)
    if awake.isEmpty {
      await parts.prober.followOn()
      await parts.inspector.followOn(at: now)
    } else {
      await follow(awake, inputs, state, at: now)
    }
    // Asked before the reports are read: what comes in between is planned once more.
    let probes = await parts.prober.changes(since: last.prober, at: now)
    let inspections = await parts.inspector.changes(since: last.inspector)
    let news = Set((probes.stacks + inspections.stacks).map(\.target))
    guard news.allSatisfy(isKnown) else { return nil }
    changed.formUnion(news)
    if awake.isEmpty, !news.isEmpty { await follow(news, inputs, state, at: now) }
    return (probes.revision, inspections.revision)
  }

  /// The stacks of these targets as they are now.
  private func follow(
    _ targets: Set<TargetID>, _ inputs: PassInputs, _ state: PassState, at now: Now
  ) async {
    let stacks = Dictionary(
      targets.compactMap { id in inputs.stacks[id].map { (id, $0) } }
    ) { first, _ in first }
    await follow(stacks, state.fingerprints, of: targets, at: now)
  }
}
