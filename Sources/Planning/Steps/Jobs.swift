import LedgerKit
import Model

/// Jobs of a version, such as a migration: what runs one, and what waits for it.
extension TargetPass {
  /// What keeps the next job of this rollout from beginning or ending; nil: nothing does.
  private func awaitedJob(_ rollout: RolloutMachine) -> (job: JobDeclaration, record: JobRecord)? {
    let time: JobDeclaration.Time = rollout.phase == .launching ? .before : .after
    guard rollout.phase == .launching || rollout.phase == .gating,
      let job = open(time, of: rollout).first,
      let digest = record.stacks[rollout.candidate]?.stackDigest
    else { return nil }
    if let known = remembered(job, digest), known.state == .begun { return (job, known) }
    for generation in stacks.keys.sorted() where generation != rollout.candidate {
      guard let other = runningJobs(generation).first,
        let digest = stacks[generation]?.certificate.stackDigest,
        let known = remembered(other, digest), known.state == .begun
      else { continue }
      return (other, known)
    }
    return nil
  }

  /// One of them runs, and its time is no other's.
  func isRunningJob(_ rollout: RolloutMachine) -> Bool {
    awaitedJob(rollout).map { isComplete($0.record.generation) } ?? false
  }

  /// What one of them does to the world has no way back: it has not been done yet, or after stable was trusted.
  func isFencedByJobs(_ candidate: Generation) -> Bool {
    guard let digest = record.stacks[candidate]?.stackDigest else { return false }
    return jobs(of: candidate).filter(\.isIrreversible).contains { job in
      guard let known = remembered(job, digest), known.state == .succeeded else { return true }
      return record.stable.map { known.generation > $0 } ?? false
    }
  }

  /// Why a version with jobs does not begin: stable is lost, and is there again sooner.
  var obstacleOfJobs: String? {
    guard needOfRepair != nil, isRepairable, let order = declaredOrder, beginsWithJobs(order) else {
      return nil
    }
    return "its jobs wait until \(record.stable?.description ?? "stable") is repaired"
  }

  // MARK: - What is waited for

  /// Each job of that time has succeeded; otherwise says what is waited for.
  mutating func isDone(_ time: JobDeclaration.Time, of rollout: RolloutMachine) -> Bool {
    guard let job = open(time, of: rollout).first,
      let digest = record.stacks[rollout.candidate]?.stackDigest
    else { return true }
    // What serves too little is relieved at once.
    if time == .after, needOfRepair != nil || isTrafficLost { return true }
    if time == .before, rollout.cause == .commit, let need = needOfRepair, isRepairable {
      fail(.init(.superseded, "\(need), and is repaired before job \(job.name) has ended"))
      return false
    }
    // Who runs it ends it; this is for when nobody can.
    if let (awaited, known) = awaitedJob(rollout),
      known.waited >= awaited.deadline + facts.limits.phaseDeadline
    {
      fail(
        .init(
          .platformFault,
          "job \(awaited.name) of \(known.generation) has no result in \(known.waited.text)"))
      return false
    }
    guard let known = remembered(job, digest) else {
      note("waits for job \(job.name) to begin")
      return false
    }
    switch known.state {
    case .succeeded: break
    case .retried where known.generation == rollout.candidate: tryAgain(rollout, job)
    case .retried: note("waits for job \(job.name) to begin")
    case .failed(let reason):
      let place = known.generation == rollout.candidate ? "" : " in \(known.generation)"
      fail(.init(.stackFault, "job \(job.name)\(place) \(reason)"))
    case .begun:
      note(
        "waits for job \(job.name) of \(known.generation), \(known.waited.rounded.text) of"
          + " \(job.deadline.text)")
    }
    return false
  }

  /// A person has it tried again while its stack is still there, which runs it no second time.
  private mutating func tryAgain(_ rollout: RolloutMachine, _ job: JobDeclaration) {
    let why = "\(rollout.candidate) has run job \(job.name) once: another stack tries it again"
    guard isPastReturn(rollout) else { return fail(.init(.superseded, why)) }
    if hasTurn(for: .commit) { follow(rollout, why) }
  }

  // MARK: - To run one

  /// The next job of that time begins, or is asked for again.
  mutating func runJob(_ time: JobDeclaration.Time, of rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard rolloutObjection == nil, isComplete(candidate), let job = open(time, of: rollout).first,
      let digest = record.stacks[candidate]?.stackDigest, let reference = reference(candidate)
    else { return }
    let known = remembered(job, digest)
    if let known {
      let isOwn = known.generation == candidate
      guard known.state == .begun && isOwn || known.state == .retried && !isOwn else { return }
    }
    if stacks[candidate]?.tasks?.contains(where: { $0.name == job.task.name }) == true { return }
    if let other = stacks.keys.sorted().first(where: { $0 != candidate && isWorking($0) }) {
      return note("job \(job.name) waits for what \(other) still runs")
    }
    let count = actions.count
    act(.runTask(reference, job.task), "runs job \(job.name) of \(candidate)")
    guard actions.count > count, known?.state != .begun else { return }
    say(.decision, candidate, "runs job \(job.name) of \(candidate), once for this digest")
    remember(
      JobRecord(digest: digest, task: job.task.name, generation: candidate, state: .begun))
  }

  /// A job runs in it, which may not be cut short.
  func isWorking(_ generation: Generation) -> Bool { !runningJobs(generation).isEmpty }

  private func runningJobs(_ generation: Generation) -> [JobDeclaration] {
    guard let stack = stacks[generation] else { return [] }
    let running = Set((stack.tasks ?? []).filter { $0.state == .running }.map(\.name))
    return (stack.certificate.spec.jobs ?? []).filter { running.contains($0.task.name) }
  }

  /// Whoever was to run it may be gone: what has begun is asked for until it is seen to have ended.
  mutating func goOnWithJobs() {
    guard record.sinceStackAction == nil else { return }
    for generation in stacks.keys.sorted() where isComplete(generation) {
      guard let reference = reference(generation),
        let digest = record.stacks[generation]?.stackDigest
      else { continue }
      for job in runningJobs(generation) where actions.isEmpty {
        guard let known = remembered(job, digest), known.state == .begun,
          known.generation == generation
        else { continue }
        act(.runTask(reference, job.task), "goes on with job \(job.name) of \(generation)")
      }
    }
  }
}
