import Model

/// Jobs, as the platform sees them.
extension Oracle {
  /// Nothing of a stack runs before its job; `count`: of its instances, nil: all.
  func judgeStart(of certificate: BirthCertificate, _ count: Int?) {
    guard count != 0 else { return }
    for job in certificate.spec.jobs ?? [] where job.time == .before {
      if !ground.doneJobs.contains(.init(certificate, job.task.name)) {
        report("jobs", "\(certificate.stack) starts before \(job.task.name) has succeeded")
      }
    }
  }

  /// At most once for a digest, and one at a time; what has failed once more when a person says so.
  func judgeTask(_ task: StackTask, of certificate: BirthCertificate) {
    // A test changes nothing.
    guard !task.name.hasPrefix("test-") else { return }
    let (job, stack) = (Ground.Job(certificate, task.name), certificate.stack)
    let other = ground.stacks(of: stack.target).first {
      $0.id != stack && $0.tasks.contains { !$0.key.hasPrefix("test-") && $0.value == .running }
    }
    if let other { report("jobs", "\(task.name) of \(stack) runs beside a job of \(other.id)") }
    defer { begunJobs[job] = stack }
    guard let before = begunJobs[job], before != stack else { return }
    // What a person has tried again may have succeeded unseen, and a ledger that is lost has forgotten it.
    if pardons[stack.target] == nil, !isLedgerLost {
      report("jobs", "\(task.name) runs in \(stack) after \(before), and nobody has asked for that")
    }
  }
}
