import Model

/// What people asked for, as an oracle hears it.
extension Oracle {
  func asks(_ verb: OperatorRequest.Verb) {
    switch verb {
    case .adopt(nil): adoptable.formUnion(held.keys)
    case .adopt(let target?): adoptable.insert(target)
    case .release(let target, _), .retry(let target):
      for other in [target] + companions(of: target) { pardons[other, default: 0] += 4 }
    case .approveRemoval(let commit): approved.insert(commit)
    case .abort(let target):
      aborted.insert(target)
      for (stack, since) in servingSince where stack.target == target {
        // Not surely promoted before: whatever happened since counts against its bake.
        let undisturbed = now - max(since, failedAt[stack] ?? 0, blindAt)
        if undisturbed <= longestBake(target) + 2000, !wasTrusted.contains(stack) {
          rejected.insert(stack)
        }
      }
    case .pause, .resume: blindAt = now
    case .approve(let target): approvedSteps.insert(target)
    case .approveFreeze: break
    case .advance(let target, _): advanced.insert(target)
    }
  }

  func forget(_ target: TargetID) {
    launches = launches.filter { $0.key.target != target }
    gone = gone.filter { $0.target != target }
  }

  /// S24: whoever does not serve exactly what is declared is held until somebody says more.
  func ledgerWasLost() {
    isLedgerLost = true
    // Which of those that do not serve were good ones, nobody knows any more.
    wasTrusted = wasTrusted.filter { ground.weight($0) > 0 }
    (held, adoptable) = ([:], [])
    for (target, declaration) in declared where removed[target] == nil {
      pardons[target, default: 0] += 4
      let digest = declaration.desired(source: "main", commit: "").declaredDigest
      let isServed = ground.stacks(of: target).contains {
        $0.certificate.declaredDigest == digest && ground.weight($0.id) == 100
      }
      guard !isServed, declaration.mode != .none, !ground.stacks(of: target).isEmpty else {
        continue
      }
      held[target] = digest
    }
  }
}

extension Simulation {
  /// The numbers that were used may be forgotten.
  var isLossKnown: Bool { oracle.isLedgerLost }

  /// How long a reading may be under way: the pass, and every delay that may meet.
  var slowestAnswer: Int {
    let delays = schedule.windows.map { $0.size * 3 / 2 }.reduce(0, +)
    return delays + schedule.setup.latencyMilliseconds * 4
      + schedule.setup.intervalMilliseconds * 2
  }
}
