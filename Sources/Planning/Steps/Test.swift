import LedgerKit
import Model

/// Tests against the preview: before a candidate has traffic, and after each step.
extension TargetPass {
  /// A new version is tested; what was trusted before, or is to repair, does not wait for that.
  func tests(of cause: RolloutMachine.Cause) -> TestRun? {
    guard cause == .commit || cause == .drift else { return nil }
    return TestRun(policy.tests ?? [])
  }

  /// Once a pass, before anything is decided: what has ended since.
  mutating func takeTests() {
    guard isKnown, let rollout = record.rollout, let run = rollout.tests, rollout.stop == nil else {
      return
    }
    let answers = (input.whole.tests ?? [:]).merging(commandResults(rollout, run)) { own, _ in own }
    _ = record.rollout?.handle(.tests(.answered(answers)))
    guard let now = record.rollout?.tests else { return }
    for test in run.pending {
      guard let result = now.results[test.name] else { continue }
      let point = pointOfTests(rollout)
      say(
        .decision, rollout.candidate,
        "test \(test.name) of \(rollout.candidate) \(point) \(result.verdict.rawValue): \(result.words)"
      )
    }
  }

  /// What the platform shows of those that are commands.
  private func commandResults(_ rollout: RolloutMachine, _ run: TestRun) -> [String: TestResult] {
    var results: [String: TestResult] = [:]
    for test in run.pending {
      let task = run.task(of: test, preview: preview)
      guard let seen = stacks[rollout.candidate]?.tasks?.first(where: { $0.name == task?.name })
      else { continue }
      let words = seen.output.split(whereSeparator: \.isNewline).last.map(String.init)
      results[test.name] =
        switch seen.state {
        case .running: TestResult(.trying, "runs")
        case .succeeded: TestResult(.passed, words ?? "status 0")
        case .failed(let reason):
          TestResult(.failed, words.map { "\(reason): \($0)" } ?? reason)
        case .lost(let reason): TestResult(.unanswered, reason)
        }
    }
    return results
  }

  private var preview: String? { spec?.route?["preview"]?.string }

  /// The next command that is asked for, one after the other.
  mutating func runTest(of rollout: RolloutMachine) {
    guard actions.isEmpty, rolloutObjection == nil, let run = rollout.tests,
      isComplete(rollout.candidate), let reference = reference(rollout.candidate)
    else { return }
    let tasks = stacks[rollout.candidate]?.tasks ?? []
    let isBusy = tasks.contains { $0.state == .running }
    for test in run.pending {
      guard let task = run.task(of: test, preview: preview) else { continue }
      let seen = tasks.first { $0.name == task.name }
      // Whoever was to run it may be gone.
      let waits = seen == nil ? isBusy : record.sinceStackAction != nil || seen?.state != .running
      if waits { continue }
      return act(.runTask(reference, task), "runs test \(test.name) of \(rollout.candidate)")
    }
  }

  /// `before its traffic`, `with 25 %`.
  func pointOfTests(_ rollout: RolloutMachine) -> String {
    rollout.phase == .baking ? "with \(rollout.weightPercent) %" : "before its traffic"
  }

  /// Each test of this point has passed, or nobody asks for one.
  mutating func isTestedWell(_ rollout: RolloutMachine) -> Bool {
    guard let run = rollout.tests, rollout.isAdvanced != true, !run.hasPassed else { return true }
    if rollout.phase == .gating, needOfRepair != nil || isTrafficLost { return true }
    guard run.isOpen else {
      _ = record.rollout?.handle(.tests(.began))
      return false
    }
    let point = pointOfTests(rollout)
    if let (test, result) = run.failure {
      fail(
        .init(
          result.verdict == .failed ? .stackFault : .noEvidence,
          "test \(test.name) \(point): \(result.words)"))
      return false
    }
    for test in run.pending {
      let words = input.whole.tests?[test.name].map { ": \($0.words)" } ?? ""
      note(
        "waits for test \(test.name) \(point), \(run.waited.rounded.text) of \(test.deadline.text)"
          + words)
    }
    // Who runs them ends them; this is for when nobody can.
    let longest = run.pending.map(\.deadline).max() ?? .zero
    if run.waited >= longest + facts.limits.phaseDeadline {
      let names = run.pending.map(\.name).joined(separator: ", ")
      fail(.init(.noEvidence, "no result of \(names) in \(run.waited.text)"))
    }
    return false
  }

  /// What has the traffic is gone: nobody waits for tests, and no route could be written that has a preview.
  var isTrafficLost: Bool {
    (route?.route.split ?? [:]).contains { generation, percent in
      percent > 0 && stacks[generation]?.endpoints.isEmpty != false
    }
  }

  /// The time is theirs, as long as nothing else is missing.
  func isWaitingForTests(_ rollout: RolloutMachine) -> Bool {
    rollout.tests?.pending.isEmpty == false
  }
}
