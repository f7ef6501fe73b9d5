import LedgerKit
import Model

/// What readers see: the status, with the reason for everything that is not done.
extension TargetPass {
  func report() -> TargetStatus {
    var status = TargetStatus(target: id)
    let known = spec ?? record.lastGood
    status.source = known?.source
    status.platform = known?.platform
    status.desiredVersion = spec?.version
    status.desiredCommit = spec?.commit
    status.declaredDigest = spec?.declaredDigest
    status.liveVersion = liveVersion
    let state = state
    status.sync = state.sync
    status.hold = state.held.map { "\($0.word): \($0.message)" }
    status.explanation = explanation(state)
    status.conditions = conditions(state, message: status.explanation.first ?? "it is as declared")
    status.stacks = summaries
    status.listen = known?.route?["listen"]?.string
    status.rollout = rolloutSummary
    status.isPaused = record.isPaused || facts.isPaused
    status.findings =
      findings.keys.sorted().flatMap { findings[$0] ?? [] }
      + (route?.findings ?? []) + unread
    status.rollback = rollbackLine
    return status
  }

  /// What more than one part of the status says.
  private struct State {
    var sync: TargetStatus.Sync
    var held: Hold?
    var unhealthy: String?
  }

  private var state: State { State(sync: sync, held: held, unhealthy: unhealthy) }

  /// A platform or router that did not answer is never in sync.
  private var unread: [Finding] {
    var unread: [Finding] = []
    if case .unknown = input.whole.stacks {
      unread.append(.unread("stacks \(id)", input.whole.stacks))
    }
    if case .unknown = input.whole.route, !isWorker {
      unread.append(.unread("route \(id)", input.whole.route))
    }
    return unread
  }

  // MARK: - Words

  /// The stack that carries the traffic, as observed; stable where nothing is known.
  private var serving: Generation? {
    if !isWorker, isKnown {
      let best = stacks.keys.max { (weight($0), $0) < (weight($1), $1) }
      return best.flatMap { weight($0) > 0 ? $0 : nil }
    }
    return record.stable
  }

  private var liveVersion: String? {
    serving.flatMap { stacks[$0]?.certificate.version ?? record.stacks[$0]?.version }
  }

  private var sync: TargetStatus.Sync {
    guard isKnown else { return .unknown }
    guard spec != nil else { return record.stacks.isEmpty ? .synced : .outOfSync }
    guard record.rollout == nil, let stable = record.stable, isAsDeclared(stable),
      isStableThere, isWorker ? route == nil : weight(stable) == 100 && record.route.isConfirmed
    else { return .outOfSync }
    let hasDrift =
      record.drift[stable].map { !$0.findings.isEmpty } ?? false
      || route?.findings.isEmpty == false
    return hasDrift ? .outOfSync : .synced
  }

  /// The recorded hold, or what amounts to one.
  private var held: Hold? {
    if let hold = record.hold ?? holdOfStop { return hold }
    if let clash { return Hold(reason: .conflict, message: clash) }
    guard let digest = desiredDigest, let quarantine = record.quarantined[digest],
      record.stable.map(isAsDeclared) != true
    else { return nil }
    return Hold(
      reason: .quarantined,
      message: "\(quarantine.generation) of this digest failed: \(quarantine.reason);"
        + " commit another version, or release", digest: digest)
  }

  private func explanation(_ state: State) -> [String] {
    var lines = notes
    if let refused { lines.insert(refused, at: 0) }
    if let held = state.held { lines.insert("\(held.word): \(held.message)", at: 0) }
    if facts.isObserving {
      let why = facts.conditions.mode == .observe ? "observe mode" : "the lease is not held"
      lines.insert("does nothing: \(why)", at: 0)
    }
    if record.isPaused || facts.isPaused { lines.append("paused: nothing new begins") }
    if let unhealthy = state.unhealthy { lines.append(unhealthy) }
    if let unreadable { lines.append(unreadable) }
    if let sourceTrouble { lines.append(sourceTrouble) }
    if let contest = input.whole.contest, !contest.isOpen { lines.append(contest.message) }
    if case .undeclared = input.whole.desired {
      lines.append("no source says anything of it: kept")
    }
    if !input.whole.formerly.isEmpty {
      let names = input.whole.formerly.map(\.description).joined(separator: ", ")
      lines.append("it was called \(names); what was made then keeps that name")
    }
    if notes.isEmpty, state.held == nil, !facts.isObserving, state.unhealthy == nil,
      state.sync == .synced
    {
      lines.insert("nothing to do: it is as declared", at: 0)
    }
    return lines.uniqued
  }

  /// What the router or the platform said last, when it did not do what it was asked.
  private var refused: String? {
    if let reason = record.backOffs[.route]?.reason {
      return "the route is not written: \(reason)"
    }
    guard isLaunchRefused, let reason = record.backOffs[.launch]?.reason else { return nil }
    return "the platform does not launch it: \(reason)"
  }

  /// Fewer answer than should, as fresh probes tell.
  private var unhealthy: String? {
    guard isKnown, let stable = record.stable, isComplete(stable), probe(stable) != nil,
      healthy(stable) < floor(of: stable), isWorker || weight(stable) > 0
    else { return nil }
    let failure = probe(stable)?.lastFailure.map { ": \($0)" } ?? ""
    return "\(healthy(stable)) of \(floor(of: stable)) instances of \(stable) healthy\(failure)"
  }

  private var unreadable: String? {
    let all = record.stable.flatMap { findings[$0] }?.filter { $0.word == .notChecked } ?? []
    guard let first = all.first else { return nil }
    let more = all.count > 1 ? " and \(all.count - 1) more" : ""
    return "not checked: \(first.path) of \(first.resource)\(more)"
  }

  /// What is in force is older than what was pushed, or may be.
  private var sourceTrouble: String? {
    if case .held(_, let reason) = input.whole.desired {
      return "the last good spec is in force: \(reason)"
    }
    guard let source = (spec ?? record.lastGood)?.source else { return nil }
    switch facts.sources[source]?.health {
    case .unreachable(let reason): return "\(source) is unreachable: \(reason)"
    case .held(let reason): return "\(source) is held: \(reason)"
    case .current, nil: return nil
    }
  }

  // MARK: - Conditions

  private func conditions(_ state: State, message: String) -> [Condition] {
    let (sync, held, unhealthy) = (state.sync, state.held, state.unhealthy)
    let isSynced = sync == .synced && unhealthy == nil
    let rollout = record.rollout
    let isStalled =
      (held != nil || unresolvable != nil) && (rollout == nil || rollout?.stop != nil)
    let reason =
      !isKnown
      ? "Unknown"
      : isStalled
        ? (held != nil ? "Held" : "Unresolvable")
        : rollout != nil
          ? "RollingOut"
          : unhealthy != nil ? "Unhealthy" : isDriftLeft ? "Drifted" : sync.rawValue
    return [
      Condition(
        type: .ready, status: isSynced, reason: isSynced ? "Synced" : reason, message: message),
      Condition(
        type: .reconciling,
        status: (rollout != nil && !isStalled)
          || (!isSynced && !isStalled && !isDriftLeft && !facts.isObserving),
        reason: rollout.map { Self.camelCase($0.phase) } ?? reason, message: message),
      Condition(
        type: .stalled, status: isStalled,
        reason: held.map { Self.camelCase($0.reason.rawValue) }
          ?? (isStalled ? "Unresolvable" : "NotStalled"),
        message: held?.message ?? unresolvable ?? "nothing is held"),
    ]
  }

  /// The policy says that drift is told and left.
  private var isDriftLeft: Bool {
    guard record.rollout == nil, let stable = record.stable, isAsDeclared(stable) else {
      return false
    }
    return spec?.drift.action == .alert && record.drift[stable]?.findings.isEmpty == false
  }

  /// No waiting helps: what is declared names something that is not there.
  private var unresolvable: String? {
    guard case .failed(.stack, let reason) = input.whole.resolution, spec != nil,
      record.stable.map(isAsDeclared) != true
    else { return nil }
    return reason
  }

  private static func camelCase(_ phase: RolloutMachine.Phase) -> String {
    camelCase(phase.rawValue)
  }

  private static func camelCase(_ word: String) -> String {
    word.prefix(1).uppercased() + word.dropFirst()
  }

  // MARK: - Stacks

  private var summaries: [StackSummary] {
    Set(stacks.keys).union(record.stacks.keys).sorted().map { generation in
      let (seen, known) = (stacks[generation], record.stacks[generation])
      let certificate = seen?.certificate
      return StackSummary(
        name: name(of: generation), generation: generation,
        version: certificate?.version ?? known?.version ?? "",
        commit: certificate?.commit ?? known?.order?.commit ?? "",
        stackDigest: certificate?.stackDigest ?? known?.stackDigest ?? Digest.of(""),
        role: known?.role.rawValue ?? "unclaimed", weightPercent: weight(generation),
        declared: seen?.capacity.declared ?? known?.intended ?? 0,
        running: seen?.capacity.running ?? 0, healthy: healthy(generation),
        restarts: seen?.restarts ?? 0, endpoints: seen?.endpoints ?? [])
    }
  }

  private var rolloutSummary: RolloutSummary? {
    guard let rollout = record.rollout else { return nil }
    let gate = stacks[rollout.candidate]?.certificate.spec.health ?? spec?.spec.health
    let bound: Duration? =
      switch rollout.phase {
      case .gating: gate?.deadline
      case .baking: bakeTime(of: rollout)
      case .launching, .growing: startDeadline(of: rollout)
      case .vacating, .shifting, .rollingBack: facts.limits.phaseDeadline
      case .promoted, .rolledBack: nil
      }
    var summary = RolloutSummary(
      strategy: rollout.strategy, candidate: rollout.candidate, from: rollout.from,
      phase: rollout.phase.rawValue, cause: rollout.cause.rawValue,
      waitingFor: refused ?? notes.first,
      elapsed: rollout.phase == .baking
        ? min(rollout.elapsed, bakeTime(of: rollout)) : rollout.elapsed, of: bound)
    if rollout.position.of > 1 {
      (summary.step, summary.steps) = rollout.position
      summary.stepPercent = rollout.weightPercent
    }
    summary.gates = gateRows(rollout)
    return summary
  }

  /// How one would get back: `switch`, `pre-scale ~n s`, `relaunch ~n s`, `none`.
  private var rollbackLine: String {
    if let rollout = record.rollout, let stable = record.stable, rollout.phase == .baking,
      isProven(stable)
    {
      return "switch"
    }
    let warm = record.stacks.keys.sorted(by: >).filter {
      record.stacks[$0]?.role == .warm && record.stacks[$0]?.hasDrifted == false && isComplete($0)
        && record.drift[$0] == nil
    }
    let seconds = max(1, (record.lastLaunch ?? .seconds(20)).rounded.wholeMilliseconds / 1000)
    if warm.contains(where: isProven) { return "switch" }
    if !warm.isEmpty { return "pre-scale ~\(seconds) s" }
    return record.stable == nil ? "none" : "relaunch ~\(seconds) s"
  }
}
