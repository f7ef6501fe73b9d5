import LedgerKit
import Model

/// Judges what the agent does from outside: by its requests, the route and the processes, and by what
/// people have committed; never by what the agent remembers.
///
/// Invariants are those of the reliability programme: each violation begins with its number.
final class Oracle {
  // The simulation owns it and outlives it.
  unowned(unsafe) var simulation: Simulation!
  private(set) var violations: [String] = []

  // MARK: What it has seen

  /// By launch: the gate was passed, as probes were answered.
  var proven: Set<String> = []
  /// Every launch that was ever asked for, by stack.
  var launches: [StackID: String] = [:]
  /// Stacks that are gone.
  var gone: Set<StackID> = []
  /// Stacks that took the traffic of each target, oldest first.
  var history: [TargetID: [(digest: Digest, at: Moment)]] = [:]
  var counted: Set<StackID> = []
  /// Stacks that had traffic, and since when they have it.
  var servingSince: [StackID: Moment] = [:]
  /// When the agent last was not there, did not go on, or was not answered: no bake counts then.
  var blindAt: Moment = 0
  /// Stacks that a person did not want before their bake was over.
  var rejected: Set<StackID> = []
  /// When a probe of a stack last failed.
  var failedAt: [StackID: Moment] = [:]
  /// Stacks that have served, healthy, for as long as their bake takes.
  var wasTrusted: Set<StackID> = []
  /// The shortest that accepted commits have declared.
  var shortestBake: [TargetID: Int] = [:]
  /// The share that a stack was given last, and when.
  var shares: [StackID: (percent: Int, since: Moment)] = [:]
  /// Stacks that had all traffic once.
  var hadAll: Set<StackID> = []
  /// When a stack was first launched.
  var launchedAt: [StackID: Moment] = [:]
  /// How the rollouts of a target were ever declared to go, in accepted commits.
  var courses: [TargetID: Set<Course>] = [:]
  /// A person has approved a step of it, once.
  var approvedSteps: Set<TargetID> = []
  /// A person did not wait for a step.
  var advanced: Set<TargetID> = []
  /// A person has taken a rollout of it back.
  var aborted: Set<TargetID> = []
  /// In which stack each job was begun last.
  var begunJobs: [Ground.Job: StackID] = [:]
  /// Targets that ever served.
  var served: Set<TargetID> = []
  var acceptedCommit: CommitID?
  /// Digests that accepted commits have declared, with what they declare.
  var accepted: [TargetID: [Digest: Declaration]] = [:]
  /// What was declared of members of a group, by the commit that said it first.
  var releases: [TargetID: (digest: Digest, commit: CommitID)] = [:]
  /// Stacks of a group that have had all traffic for as long as their bake takes, or by a person's word need not.
  var settledMembers: [TargetID: Set<Digest>] = [:]
  /// What is in force: declared by the newest accepted commit without an error.
  var declared: [TargetID: Declaration] = [:]
  /// Absent in an accepted commit that proves it.
  var removed: [TargetID: CommitID] = [:]
  /// When a removed target was last declared again.
  var revivedAt: [TargetID: Moment] = [:]
  /// Removals that were carried out, and when.
  var removals: [TargetID: Moment] = [:]
  var approved: Set<CommitID> = []
  /// A person said that it may be launched once more.
  var pardons: [TargetID: Int] = [:]
  var isLedgerLost = false
  /// Since the ledger was lost: targets that did not serve as declared then, with what was declared.
  var held: [TargetID: Digest] = [:]
  /// Since then a person asked for their adoption, which the agent may refuse for the moment.
  var adoptable: Set<TargetID> = []
  private var calls: [TargetID: Int] = [:]

  func report(_ invariant: String, _ text: String) {
    violations.append("\(invariant): \(text)")
    simulation.note("VIOLATION", "\(invariant): \(text)")
  }

  var ground: Ground { simulation.ground }
  var now: Moment { simulation.now }

  // MARK: - What the agent asks

  /// At the moment of asking: what the asker could know.
  func asked(_ effect: Effect, by life: Life) {
    guard life.isAlive else { return }
    simulation.note("agent \(life.number)", effect.text)
    let target = effect.target
    calls[target, default: 0] += 1
    // S22: a call of each kind every second of the hour is more than any history needs.
    if calls[target] == 3000 { report("S22", "\(target): 3000 calls") }
    if simulation.disk.holder !== life {
      report("S14", "\(effect.text) by a process that does not hold the lease")
    }
    judgeLoss(effect)
    if case .route(let route) = effect { judgeEvidence(route) }
  }

  /// At the moment of the effect: what it does to the world.
  func happens(_ effect: Effect, by life: Life) {
    switch effect {
    case .ensure(let certificate): judgeLaunch(certificate)
    case .setInstances(let certificate, let count):
      judgeStart(of: certificate, count)
      judgeInstances(certificate, count)
    case .run(let task, let certificate): judgeTask(task, of: certificate)
    case .retire(let certificate): judgeRetirement(certificate)
    case .route(let route): judgeRoute(route)
    case .removeRoute(let target): judgeRouteRemoval(target)
    }
  }

  // MARK: - What the agent reads

  /// One probe, as it is answered.
  func probe(_ endpoint: Endpoint) -> String? {
    guard let (stack, index) = ground.at(endpoint) else { return "connection refused" }
    guard stack.answers(index, at: now, startTime: simulation.schedule.setup.startMilliseconds)
    else {
      stack.instances[index].streak = 0
      failedAt[stack.id] = now
      // Whether it is trusted after that is the agent's to say, and it may not.
      if let since = servingSince[stack.id], !wasTrusted.contains(stack.id),
        now - since < longestBake(stack.id.target)
      {
        rejected.insert(stack.id)
      }
      return "GET /healthz answered 503"
    }
    stack.instances[index].streak += 1
    stack.instances[index].passedAt = now
    prove(stack)
    return nil
  }

  /// Its gate was passed if it is whole and all of it has answered often enough.
  func prove(_ stack: LiveStack) {
    let needed = stack.gate.healthyAfter
    // Where instances follow each other, it begins with some of them.
    let all = rolls(stack.id.target) ? stack.instances.prefix(stack.intended) : stack.instances[...]
    if stack.isLaunched, !all.isEmpty, all.allSatisfy({ $0.streak >= needed }) {
      proven.insert(stack.certificate.launch)
    }
  }

  func written(_ write: LedgerWrite) {
    for entry in write.entries {
      simulation.note("ledger", "\(entry.kind.rawValue) \(entry.message)")
      if let target = entry.target, entry.message.hasPrefix("adopts what is there"),
        adoptable.remove(target) != nil
      {
        held[target] = nil
      }
      if leaks(entry.message) { report("S23", "a secret stands in the history") }
    }
    for alert in write.alerts where leaks(alert.message) {
      report("S23", "a secret stands in an alert")
    }
  }

  func longestBake(_ target: TargetID) -> Int {
    let slack = 2 * simulation.schedule.setup.intervalMilliseconds + simulation.slowestAnswer
    return (accepted[target] ?? [:]).values.map {
      $0.wholeBakeMilliseconds + ($0.steps?.count ?? 0) * slack
    }.max() ?? 0
  }

  private func leaks(_ text: String) -> Bool { text.contains("canary-") }

  /// The agent keeps this commit as the last good one: the next must descend from it.
  func accepted(_ commit: CommitID) {
    let repository = simulation.repository
    guard let content = repository.commits[commit] else { return }
    if let acceptedCommit, !repository.descends(commit, from: acceptedCommit) {
      report("S12", "\(commit) was accepted and does not descend from \(acceptedCommit)")
    }
    acceptedCommit = commit
    simulation.note("source", "\(commit) accepted")
    for (target, declaration) in content.tree where !content.broken.contains(target) {
      declared[target] = declaration
      courses[target, default: []].insert(Course(declaration))
      shortestBake[target] = min(shortestBake[target] ?? .max, declaration.bakeMilliseconds)
      let digest = declaration.desired(source: "main", commit: commit).declaredDigest
      noteRelease(declaration, digest, commit)
      accepted[target, default: [:]][digest] = declaration
      if removed.removeValue(forKey: target) != nil { revivedAt[target] = now }
      if held[target] != digest { held[target] = nil }
    }
    guard content.broken.isEmpty else { return }
    for target in declared.keys where content.tree[target] == nil && removed[target] == nil {
      removed[target] = commit
      // S24: it is a commit that says more.
      held[target] = nil
    }
  }
}
