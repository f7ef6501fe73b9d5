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
    guard var changed = inputs.changes(since: last.inputs) else { return nil }
    let resolver = await parts.resolver.settledRevision
    if resolver == nil || resolver != last.resolver {
      inputs.resolutions = await parts.resolver.resolutions(
        of: Array(inputs.claims.declared.values))
      let old = last.inputs.resolutions
      changed.formUnion(inputs.resolutions.filter { $0.value != old[$0.key] }.keys)
    }
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
    let input = inputs.planningInput(of: awake)
    inputs.forgetSingle()
    state.isWhole = false
    state.reading = Reading(
      inputs: inputs, freezable: last.freezable,
      resolver: await parts.resolver.settledRevision, prober: seen.prober,
      inspector: seen.inspector)
    return input
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
      await follow(inputs.stacks, state.fingerprints, at: now)
    }
    // Asked before the reports are read: what comes in between is planned once more.
    let probes = await parts.prober.changes(since: last.prober, at: now)
    let inspections = await parts.inspector.changes(since: last.inspector)
    let news = Set((probes.stacks + inspections.stacks).map(\.target))
    guard news.allSatisfy(isKnown) else { return nil }
    changed.formUnion(news)
    if awake.isEmpty, !news.isEmpty { await follow(inputs.stacks, state.fingerprints, at: now) }
    return (probes.revision, inspections.revision)
  }
}
