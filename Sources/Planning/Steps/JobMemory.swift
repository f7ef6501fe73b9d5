import LedgerKit
import Model

/// What is remembered of jobs: each is run at most once for a digest, whatever becomes of its stack.
extension TargetPass {
  /// As many as are remembered: some years of a version a day with a job each.
  private static var remembered: Int { 1000 }

  func jobs(of generation: Generation) -> [JobDeclaration] {
    record.stacks[generation]?.order?.spec.jobs ?? stacks[generation]?.certificate.spec.jobs ?? []
  }

  func remembered(_ job: JobDeclaration, _ digest: Digest) -> JobRecord? {
    record.jobs?.last { $0.digest == digest && $0.task == job.task.name }
  }

  /// Of what is launched with this digest: those that have not succeeded, in their order.
  func open(
    _ time: JobDeclaration.Time, of jobs: [JobDeclaration]?, _ digest: Digest
  ) -> [JobDeclaration] {
    (jobs ?? []).filter { $0.time == time && remembered($0, digest)?.state != .succeeded }
  }

  func open(_ time: JobDeclaration.Time, of rollout: RolloutMachine) -> [JobDeclaration] {
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

  /// Once a pass: what has ended since, as the platform shows it.
  mutating func takeJobs() {
    guard isKnown else { return }
    noteUnknownJobs()
    guard let jobs = record.jobs else { return }
    for (index, job) in jobs.enumerated() where job.state == .begun {
      record.jobs?[index].waited += elapsed
      let task = stacks[job.generation]?.tasks?.first { $0.name == job.task }
      guard let state = state(of: job, task) else { continue }
      record.jobs?[index].state = state
      let words =
        switch state {
        case .begun, .retried: "runs"
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

  /// What a stack has begun and no record knows, as after a lost ledger, is not begun a second time.
  private mutating func noteUnknownJobs() {
    for (generation, stack) in stacks.sorted(by: { $0.key < $1.key }) {
      guard let tasks = stack.tasks else { continue }
      let digest = stack.certificate.stackDigest
      for job in stack.certificate.spec.jobs ?? []
      where remembered(job, digest) == nil && tasks.contains(where: { $0.name == job.task.name }) {
        remember(
          JobRecord(digest: digest, task: job.task.name, generation: generation, state: .begun))
      }
    }
  }

  /// nil: it may still be running, or begin.
  private func state(of job: JobRecord, _ task: TaskObservation?) -> JobRecord.State? {
    switch task?.state {
    case .running: return nil
    case .succeeded: return .succeeded
    case .failed(let reason):
      let end =
        task?.output.split(whereSeparator: \.isNewline).last.map { ": \($0.prefix(200))" } ?? ""
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
    let serves =
      certificate.traffic == .none ? stack.capacity.running > 0 : weight(generation) > 0
    for job in certificate.spec.jobs ?? []
    where remembered(job, certificate.stackDigest) == nil {
      guard job.time == .before ? stack.capacity.intended > 0 : serves else { continue }
      remember(
        JobRecord(
          digest: certificate.stackDigest, task: job.task.name, generation: generation,
          state: .succeeded))
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

  /// The oldest of what no stack is there of goes first.
  mutating func remember(_ job: JobRecord) {
    var jobs = (record.jobs ?? []) + [job]
    if jobs.count > Self.remembered {
      let needed = Set(record.stacks.values.map(\.stackDigest))
      let spare = jobs.firstIndex { !needed.contains($0.digest) } ?? jobs.startIndex
      jobs.remove(at: spare)
    }
    record.jobs = jobs
  }

  /// A person wants them tried again: those that have not succeeded. What may still run is waited for.
  mutating func allowJobsAgain(of digest: Digest?) {
    for (index, job) in (record.jobs ?? []).enumerated() {
      guard case .failed = job.state, digest.map({ $0 == job.digest }) ?? true else { continue }
      record.jobs?[index].state = .retried
    }
  }

  /// Something of it was to be run and has not succeeded: it is not what a rollout would make of it.
  func hasUnfinishedJobs(_ generation: Generation) -> Bool {
    guard let digest = record.stacks[generation]?.stackDigest else { return false }
    return jobs(of: generation).contains { job in
      remembered(job, digest).map { $0.state != .succeeded } ?? false
    }
  }
}
