import LedgerKit
import Model

/// The rollout in progress goes on as far as the world shows.
extension TargetPass {
  mutating func advance() {
    guard let rollout = record.rollout, isKnown else { return }
    let candidate = rollout.candidate
    if let objection = rolloutObjection, rollout.phase != .rollingBack {
      note("\(candidate) stays where it is: \(objection)")
    }
    if let stop = rollout.stop {
      // What was held because it might have served, and did not, is taken back as any other.
      if !isPastReturn(rollout) { return fail(stop) }
      _ = takesOver(rollout)
      return
    }
    if let failure = trafficFailure(rollout) { return fail(failure) }
    if takesOver(rollout) { return }
    switch rollout.phase {
    case .vacating: vacate(rollout)
    case .launching: watchLaunch(rollout)
    case .growing: watchGrowth(rollout)
    case .gating: watchGate(rollout)
    case .shifting: watchShift(rollout)
    case .baking: watchBake(rollout)
    case .rollingBack:
      note(
        "takes \(candidate) back, \(rollout.elapsed.rounded.text): \(rollout.failure?.reason ?? "")"
      )
    case .promoted, .rolledBack: break
    }
  }

  private mutating func go(_ event: RolloutMachine.Event) { _ = record.rollout?.handle(event) }

  /// Stable serves too little, and the candidate has shown nothing bad in the steps so far: all traffic goes
  /// to it at once. That repairs, whatever the rollout was begun for.
  private mutating func takesOver(_ rollout: RolloutMachine) -> Bool {
    guard !rollout.isLastStep, objection(to: .repair) == nil,
      let need = needOfRepair ?? stableSuffers(beside: rollout),
      record.stacks[rollout.candidate]?.gatePassed == true,
      isProven(rollout.candidate) || (isGrowing(rollout) && healthy(rollout.candidate) > 0),
      rollout.bake.map({ $0.suffered == .zero }) ?? true, !looksBad(rollout)
    else { return false }
    go(.steppedOver)
    guard record.rollout?.position.step != rollout.position.step else { return false }
    say(.decision, rollout.candidate, "\(rollout.candidate) takes over at once: \(need)")
    return true
  }

  /// It cannot carry its own share, for as long as a candidate may be unwell.
  private func stableSuffers(beside rollout: RolloutMachine) -> String? {
    guard let stable = record.stable, let gate = stacks[stable]?.certificate.spec.health,
      probe(stable) != nil, let below = record.stacks[stable]?.belowFloor, below >= patience(gate),
      healthy(stable) * 100 < wholeFloor(of: stable) * weight(stable),
      healthy(stable) < floor(of: stable)
    else { return nil }
    return "\(healthy(stable)) of \(floor(of: stable)) instances of \(stable) healthy"
  }

  /// A few probes may fail for a reason that passes, such as one restarted instance.
  func patience(_ gate: HealthGate) -> Duration { max(gate.interval * 5, .seconds(5)) }

  private mutating func vacate(_ rollout: RolloutMachine) {
    let running = stacks.keys.filter {
      $0 != rollout.candidate && (!isParked($0) || (traffic.exclusive && isWorking($0)))
    }.sorted()
    let serving = isWorker ? [] : stacks.keys.filter { weight($0) > 0 }.sorted()
    if running.isEmpty, serving.isEmpty {
      guard input.whole.inFlight.isEmpty else {
        return note("waits for what is under way: it may start one of them again")
      }
      return go(.vacated)
    }
    note(
      "waits until \((running + serving).uniqued.map(\.description).joined(separator: ", ")) ended")
    if rollout.elapsed >= facts.limits.phaseDeadline {
      fail(.init(.platformFault, "the old stack did not end in \(rollout.elapsed.text)"))
    }
  }

  private mutating func watchLaunch(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    let deadline = startDeadline(of: rollout)
    let isLate = rollout.elapsed >= deadline
    let clock = "\(rollout.elapsed.rounded.text) of \(deadline.text)"
    if stacks[candidate] == nil, record.stacks[candidate]?.firstSeen != nil {
      return fail(.init(.platformFault, "\(candidate) is gone: it was removed by hand"))
    }
    if isNameTaken(of: candidate) {
      record.namesTaken += 1
      return fail(.init(.superseded, "a foreign object bears the name of \(candidate)"))
    }
    if let order = record.stacks[candidate]?.order, let seen = stacks[candidate],
      seen.certificate.stackDigest != order.stackDigest
    {
      record.namesTaken += 1
      return fail(.init(.superseded, "\(candidate) exists with another digest"))
    }
    switch stacks[candidate]?.phase {
    case nil: note("\(candidate) is not there yet, \(clock)")
    case .launching(let text): note("\(candidate) is being launched: \(text), \(clock)")
    case .complete:
      if isDone(.before, of: rollout) {
        if !hasJobsBefore(rollout) || isMeantToRunFully(candidate) {
          if rollout.elapsed > .zero { record.lastLaunch = rollout.elapsed }
          return go(.launched)
        }
        note("the instances of \(candidate) start")
      }
      guard record.rollout?.phase == .launching, record.rollout?.candidate == candidate else {
        return
      }
    case .failed(.platform, let reason): note("the platform could not launch it: \(reason)")
    case .failed(let fault, let reason): return fail(.init(fault: fault, reason))
    case .retiring: return fail(.init(.platformFault, "\(candidate) is being removed by hand"))
    case .stuck(let reason): note("\(candidate) is stuck: \(reason)")
    }
    if let delay = delay(of: .launch) { note(delay) }
    if isLate {
      let reason = record.backOffs[.launch].map { ": \($0.reason)" } ?? ""
      fail(.init(.platformFault, "\(candidate) was not launched in \(clock)\(reason)"))
    }
  }

  private mutating func watchGate(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    if stacks[candidate] == nil {
      return fail(.init(.platformFault, "\(candidate) is gone: it was removed by hand"))
    }
    if let failure = failureOfShare(rollout) { return fail(failure) }
    switch gate(of: candidate, elapsed: rollout.elapsed, isReuse: rollout.isReuse) {
    case .passed:
      // Frozen and paused rollouts keep where they are.
      guard rolloutObjection == nil,
        isGrowing(rollout) || (isDone(.after, of: rollout) && isTestedWell(rollout))
      else { return }
      record.stacks[candidate]?.gatePassed = true
      record.stacks[candidate]?.belowFloor = nil
      // What did not run yet could not be read.
      if rollout.bounds == nil || rollout.isLastStep { takeFingerprint(candidate) }
      go(.gatePassed)
    case .waiting(let reason): note(reason)
    case .failed(let failure): fail(failure)
    }
  }

  private mutating func watchShift(_ rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard let stack = stacks[candidate] else {
      return fail(.init(.platformFault, "\(candidate) is gone: it was removed by hand"))
    }
    if case .failed(let fault, let reason) = stack.phase {
      return fail(.init(fault: fault, reason))
    }
    if hasShifted(rollout) { return go(.shifted(restarts: stack.restarts)) }
    note(
      isWorker
        ? "\(candidate) takes over: waits until the old stack is parked"
        : "waits until \(rollout.shareWords) read back at \(candidate)")
    let deadline = stack.certificate.spec.health.deadline
    if rollout.elapsed >= deadline, !isComplete(candidate) {
      // As in the gate: what has lost its keeper, or its boot, is no fault of the stack.
      fail(.init(.platformFault, "\(candidate) is not complete any more"))
    } else if rollout.elapsed >= deadline, probe(candidate) != nil, !isProven(candidate) {
      let why = probe(candidate)?.lastFailure ?? "not healthy any more"
      fail(.init(.stackFault, "\(candidate) passed the gate and failed before its shift: \(why)"))
    } else if rollout.elapsed >= facts.limits.phaseDeadline {
      fail(.init(.platformFault, "the traffic was not shifted in \(rollout.elapsed.text)"))
    }
  }

  /// S9: it is not there, and an object that is not ours stands in its place.
  func isNameTaken(of generation: Generation) -> Bool {
    guard stacks[generation] == nil else { return false }
    let name = name(of: generation)
    return input.whole.foreign.contains { $0.name == name }
  }

  private func hasShifted(_ rollout: RolloutMachine) -> Bool {
    guard isWorker else { return weight(rollout.candidate) == rollout.weightPercent }
    return stacks.keys.allSatisfy {
      $0 == rollout.candidate || record.stacks[$0] == nil || isParked($0) || !isComplete($0)
    }
  }

  private mutating func watchBake(_ rollout: RolloutMachine) {
    guard let bake = rollout.bake else { return }
    let candidate = rollout.candidate
    guard let stack = stacks[candidate] else {
      return fail(.init(.platformFault, "\(candidate) is gone: it was removed by hand"))
    }
    if case .failed(let fault, let reason) = stack.phase {
      return fail(.init(fault: fault, reason))
    }
    let gate = stack.certificate.spec.health
    let probe = probe(candidate)
    if bake.suffered >= patience(gate) {
      let why = probe?.lastFailure ?? "\(healthy(candidate)) of \(wanted(candidate)) healthy"
      return fail(.init(.stackFault, "\(candidate) got worse while it baked: \(why)"))
    }
    if stack.restarts - bake.restarts >= 5 {
      return fail(.init(.stackFault, "\(candidate) restarted \(stack.restarts) times"))
    }
    if bake.blind >= facts.limits.phaseDeadline {
      return fail(.init(.noEvidence, "nothing fresh is known of \(candidate)"))
    }
    let time = bakeTime(of: rollout)
    let served = min(bake.served, time).rounded.text
    note("\(candidate) bakes\(rollout.stepWords), \(served) of \(time.text)")
    if probe == nil { note("no fresh probe of \(candidate): the bake's clock stands") }
  }
}

extension Array where Element: Hashable {
  var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
