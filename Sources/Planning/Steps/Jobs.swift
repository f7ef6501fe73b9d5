import LedgerKit
import Model

/// Jobs of a version, such as a migration: each is run at most once for a digest, whatever becomes of its stack.
extension TargetPass {
  /// As many as are remembered: some years of a version a day with a job each.
  private static var remembered: Int { 1000 }

  private func jobs(of generation: Generation) -> [JobDeclaration] {
    record.stacks[generation]?.order?.spec.jobs ?? stacks[generation]?.certificate.spec.jobs ?? []
  }

  private func remembered(_ job: JobDeclaration, _ digest: Digest) -> JobRecord? {
    record.jobs?.last { $0.digest == digest && $0.task == job.task.name }
  }

  /// Of what is launched with this digest: those that have not succeeded, in their order.
  private func open(
    _ time: JobDeclaration.Time, of jobs: [JobDeclaration]?, _ digest: Digest
  ) -> [JobDeclaration] {
    (jobs ?? []).filter { $0.time == time && remembered($0, digest)?.state != .succeeded }
  }

  private func open(_ time: JobDeclaration.Time, of rollout: RolloutMachine) -> [JobDeclaration] {
    guard !rollout.isReuse, let digest = record.stacks[rollout.candidate]?.stackDigest else {
      return []
    }
    return open(time, of: jobs(of: rollout.candidate), digest)
  }

  /// No instance of what is launched so may run yet.
  func beginsWithJobs(_ order: LaunchOrder) -> Bool {
    !open(.before, of: order.spec.jobs, order.stackDigest).isEmpty
  }

  /// Its first instance waits for a job.
  func isHeldByJobs(_ rollout: RolloutMachine) -> Bool {
    rollout.phase == .launching && !open(.before, of: rollout).isEmpty
  }

  /// Those that are still to run, or run.
  func openJobs(_ rollout: RolloutMachine) -> [JobDeclaration] {
    open(.before, of: rollout) + open(.after, of: rollout)
  }

  func hasJobsBefore(_ rollout: RolloutMachine) -> Bool {
    !rollout.isReuse && jobs(of: rollout.candidate).contains { $0.time == .before }
  }

  /// One of them runs, and nothing else is waited for.
  func isRunningJob(_ rollout: RolloutMachine) -> Bool {
    let time: JobDeclaration.Time = rollout.phase == .launching ? .before : .after
    guard rollout.phase == .launching || rollout.phase == .gating,
      let job = open(time, of: rollout).first,
      let digest = record.stacks[rollout.candidate]?.stackDigest
    else { return false }
    return remembered(job, digest)?.state == .begun
  }

  /// What it does to the world has no way back, and has not been done yet.
  func beginsIrreversibly(_ candidate: Generation) -> Bool {
    guard let digest = record.stacks[candidate]?.stackDigest else { return false }
    let all = jobs(of: candidate)
    return (open(.before, of: all, digest) + open(.after, of: all, digest))
      .contains(where: \.isIrreversible)
  }

  // MARK: - What became of them

  /// Once a pass: what has ended since, as the platform shows it.
  mutating func takeJobs() {
    guard isKnown, let jobs = record.jobs else { return }
    for (index, job) in jobs.enumerated() where job.state == .begun {
      record.jobs?[index].waited += elapsed
      let task = stacks[job.generation]?.tasks?.first { $0.name == job.task }
      guard let state = state(of: job, task) else { continue }
      record.jobs?[index].state = state
      let words =
        switch state {
        case .begun: "runs"
        case .succeeded: "succeeded"
        case .failed(let reason): reason
        }
      entries.append(
        LedgerEntry(
          at: facts.now.wall, kind: .decision, target: id, generation: job.generation,
          message: "job \(job.task) of \(job.generation): \(words)",
          details: task.flatMap { $0.output.isEmpty ? nil : ["output": .string($0.output)] }))
    }
  }

  /// nil: it may still be running, or begin.
  private func state(of job: JobRecord, _ task: TaskObservation?) -> JobRecord.State? {
    switch task?.state {
    case .running: return nil
    case .succeeded: return .succeeded
    case .failed(let reason):
      let end = task?.output.split(whereSeparator: \.isNewline).last.map { ": \($0)" } ?? ""
      return .failed(reason: "failed, \(reason)\(end)")
    case .lost(let reason):
      return .failed(reason: "was begun, and nobody can say how it ended: \(reason)")
    case nil:
      // What is on its way may begin it still.
      let isGone = stacks[job.generation] == nil && !mayBeThere(job.generation)
      guard isGone, isListingSettled, input.whole.inFlight.isEmpty else { return nil }
      return .failed(
        reason: "was begun, and nobody can say how it ended: \(job.generation) is gone")
    }
  }

  /// Of a stack that nobody remembers: what it runs and has says how far it had come.
  mutating func adoptJobs(of stack: StackObservation) {
    let (certificate, generation) = (stack.certificate, stack.id.generation)
    for job in certificate.spec.jobs ?? []
    where remembered(job, certificate.stackDigest) == nil {
      let hasPassed = job.time == .before ? stack.capacity.intended > 0 : weight(generation) > 0
      let task = stack.tasks?.first { $0.name == job.task.name }
      guard task != nil || hasPassed else { continue }
      var known = JobRecord(
        digest: certificate.stackDigest, task: job.task.name, generation: generation, state: .begun)
      known.state = task == nil ? .succeeded : state(of: known, task) ?? .begun
      remember(known)
    }
  }

  /// Of a stack that nobody remembers: nothing of it may run yet, as far as it shows.
  func waitsForJobs(_ generation: Generation) -> Bool {
    guard let stack = stacks[generation], stack.capacity.intended == 0 || isLaunching(generation),
      weight(generation) == 0
    else { return false }
    return (stack.certificate.spec.jobs ?? []).contains { job in
      guard job.time == .before else { return false }
      let isSeen = stack.tasks?.contains { $0.name == job.task.name && $0.state == .succeeded }
      return isSeen != true
        && remembered(job, stack.certificate.stackDigest)?.state != .succeeded
    }
  }

  private mutating func remember(_ job: JobRecord) {
    record.jobs = ((record.jobs ?? []) + [job]).suffix(Self.remembered)
  }

  /// A person wants them tried again: those that have not succeeded. What may still run is waited for.
  mutating func forgetFailedJobs(of digest: Digest?) {
    let left = record.jobs?.filter { job in
      guard case .failed = job.state else { return true }
      return digest.map { $0 != job.digest } ?? false
    }
    record.jobs = left?.isEmpty == true ? nil : left
  }

  // MARK: - What is waited for

  /// Each job of that time has succeeded; otherwise says what is waited for.
  mutating func isDone(_ time: JobDeclaration.Time, of rollout: RolloutMachine) -> Bool {
    guard let job = open(time, of: rollout).first,
      let digest = record.stacks[rollout.candidate]?.stackDigest
    else { return true }
    guard let known = remembered(job, digest) else {
      // A person has it tried again while its stack is still there, which has run it.
      if stacks[rollout.candidate]?.tasks?.contains(where: { $0.name == job.task.name }) == true {
        fail(
          .init(
            .superseded,
            "\(rollout.candidate) has run job \(job.name) once: another stack tries it again"))
      }
      note("waits for job \(job.name) to begin")
      return false
    }
    switch known.state {
    case .succeeded: break
    case .failed(let reason):
      let place = known.generation == rollout.candidate ? "" : " in \(known.generation)"
      fail(.init(.stackFault, "job \(job.name)\(place) \(reason)"))
    case .begun:
      note(
        "waits for job \(job.name) of \(known.generation), \(known.waited.rounded.text) of"
          + " \(job.deadline.text)")
      // Who runs it ends it; this is for when nobody can.
      if known.waited >= job.deadline + facts.limits.phaseDeadline {
        fail(.init(.platformFault, "job \(job.name) has no result in \(known.waited.text)"))
      }
    }
    return false
  }

  // MARK: - To run one

  /// The next job of that time begins, or is asked for again.
  mutating func runJob(_ time: JobDeclaration.Time, of rollout: RolloutMachine) {
    let candidate = rollout.candidate
    guard rolloutObjection == nil, isComplete(candidate), let job = open(time, of: rollout).first,
      let digest = record.stacks[candidate]?.stackDigest, let reference = reference(candidate)
    else { return }
    let known = remembered(job, digest)
    if let known, known.state != .begun || known.generation != candidate { return }
    if stacks[candidate]?.tasks?.contains(where: { $0.name == job.task.name }) == true { return }
    if let other = stacks.keys.sorted().first(where: { $0 != candidate && isWorking($0) }) {
      return note("job \(job.name) waits for what \(other) still runs")
    }
    let count = actions.count
    act(.runTask(reference, job.task), "runs job \(job.name) of \(candidate)")
    guard actions.count > count, known == nil else { return }
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
