import Model

/// A job changes what lies outside of every stack: it is run at most once for a digest.
extension PlanChecks {
  /// The intent is written first, and only the stack that it names is ever asked.
  static let jobsRunOnce: Rule = { checked in
    checked.plan.actions.flatMap { action -> [String] in
      guard case .runTask(let stack, let task) = action else { return [] }
      let digest = checked.stacks[stack.generation]?.certificate.stackDigest
      func remembered(_ record: TargetRecord?) -> JobRecord? {
        record?.jobs?.last { $0.task == task.name && $0.digest == digest }
      }
      var wrong: [String] = []
      if checked.stacks[stack.generation]?.phase != .complete {
        wrong.append("\(task.name) is to run in \(stack.generation), which is not complete")
      }
      // A test changes nothing, and is repeated at each step.
      guard JobDeclaration.Time.allCases.contains(where: { task.name.hasPrefix($0.rawValue) })
      else { return wrong }
      let (before, after) = (remembered(checked.before), remembered(checked.after))
      if after?.generation != stack.generation || after?.state != .begun {
        wrong.append("\(task.name) of \(stack.generation) is to run without a record of it")
      }
      let isAgain = before?.state == .retried && before?.generation != stack.generation
      if let before, !isAgain, before.generation != stack.generation || before.state != .begun {
        wrong.append("\(task.name) is to run in \(stack.generation) once more")
      }
      let busy = checked.stacks.values.first { other in
        other.id.generation != stack.generation
          && isWorking(other)
      }
      if let busy { wrong.append("\(task.name) is to run beside a job of \(busy.id.generation)") }
      return wrong
    }
  }

  /// Nothing of a stack runs before the jobs that are to run before it.
  static let jobsBeforeInstances: Rule = { checked in
    var wrong = checked.launches.compactMap { order -> String? in
      guard order.instances != 0, order.stack.generation == checked.after?.rollout?.candidate,
        checked.after?.rollout?.isReuse == false,
        let job = open(.before, of: order.spec, order.stackDigest, checked)
      else { return nil }
      return "\(order.stack.generation) is launched before its job \(job.name)"
    }
    wrong += checked.changes.compactMap { change in
      guard change.count > 0, let seen = change.seen, let rollout = checked.after?.rollout,
        rollout.candidate == change.stack.generation, !rollout.isReuse,
        let job = open(.before, of: seen.certificate.spec, seen.certificate.stackDigest, checked)
      else { return nil }
      return "\(change.stack.generation) is started before its job \(job.name)"
    }
    return wrong
  }

  /// S1: no traffic before the jobs that are to run before that.
  static let jobsBeforeTraffic: Rule = { checked in
    guard let before = checked.before?.rollout, let after = checked.after?.rollout,
      before.candidate == after.candidate, !before.isReuse, before.phase == .gating,
      before.formerWeightPercent == 0, !isServiceLost(checked),
      after.phase == .shifting || after.phase == .baking || after.phase == .promoted,
      let certificate = checked.stacks[before.candidate]?.certificate,
      let job = open(.after, of: certificate.spec, certificate.stackDigest, checked)
    else { return [] }
    return ["\(before.candidate) passes its gate before its job \(job.name)"]
  }

  /// What runs is not cut short.
  static let noRetirementUnderJobs: Rule = { checked in
    checked.retirements.compactMap { stack in
      guard let seen = checked.stacks[stack.generation], isWorking(seen) else { return nil }
      return "\(stack.generation) is retired while a job runs in it"
    }
  }

  /// A job of its own runs in it.
  static func isWorking(_ stack: StackObservation) -> Bool {
    (stack.tasks ?? []).contains { task in
      guard task.state == .running else { return false }
      return (stack.certificate.spec.jobs ?? []).contains {
        task.name == "\($0.time.rawValue)-\($0.name)"
      }
    }
  }

  private static func open(
    _ time: JobDeclaration.Time, of spec: StackSpec, _ digest: Digest, _ checked: CheckedPlan
  ) -> JobDeclaration? {
    (spec.jobs ?? []).first { job in
      guard job.time == time else { return false }
      let known = checked.after?.jobs?.last {
        $0.digest == digest && $0.task == "\(job.time.rawValue)-\(job.name)"
      }
      return known?.state != .succeeded
    }
  }
}
