import Model
import Planning

/// One Git repository: what was pushed, and what the agent accepted of it.
struct WorldSource {
  var health: SourceState.Health = .current
  /// The newest commit's tree, seen or not.
  private(set) var written: [TargetID: TargetSettings] = [:]
  private var broken: Set<TargetID> = []
  private(set) var newest: CommitID?
  /// Of the newest commit: why it goes through freeze windows.
  private var override: String?
  private var accepted: CommitID?
  private var isComplete = false
  private var good: [TargetID: DesiredTarget] = [:]
  private var held: [TargetID: String] = [:]
  private var removed: [TargetID: CommitID] = [:]

  var state: SourceState {
    SourceState(
      health: health, commit: accepted, isComplete: isComplete,
      targetCount: good.keys.count { removed[$0] == nil })
  }

  /// Targets that the source says something of; a removal alone is no declaration.
  var declared: [TargetID] { good.keys.filter { removed[$0] == nil } }

  func desired(_ target: TargetID) -> DesiredInput? {
    guard let last = good[target] else { return nil }
    if let commit = removed[target] {
      return .removed(source: last.source, commit: commit, lastGood: last)
    }
    if case .held(let reason) = health { return .held(lastGood: last, reason: reason) }
    if let reason = held[target] { return .held(lastGood: last, reason: reason) }
    return .desired(last)
  }

  /// A commit as people push it; the answer is what the agent makes of it.
  mutating func push(
    _ commit: CommitID, set: [TargetID: TargetSettings], remove: [TargetID],
    broken: Set<TargetID>, override: String? = nil, as name: SourceName
  ) -> String {
    self.override = override
    written.merge(set) { _, new in new }
    for target in remove { written[target] = nil }
    self.broken = broken
    newest = commit
    guard health == .current else { return "\(commit) pushed, not seen" }
    return accept(as: name)
  }

  /// Reads the newest commit, as the agent does once the source answers.
  mutating func accept(as name: SourceName) -> String {
    guard let commit = newest, commit != accepted else { return "nothing new" }
    isComplete = broken.isEmpty && !written.isEmpty
    for (target, settings) in written where !broken.contains(target) {
      var new = settings.desired(target, source: name, commit: commit)
      let isNew = good[target]?.declaredDigest != new.declaredDigest
      let given = override.map { FreezeOverride(commit: commit, reason: $0) }
      if let old = good[target], !isNew, new.group != nil {
        new.digestCommit = old.digestCommit ?? old.commit
      }
      new.freezeOverride = isNew ? given : good[target]?.freezeOverride
      good[target] = new
      held[target] = nil
      removed[target] = nil
    }
    for target in broken where good[target] != nil {
      held[target] = "its document is wrong in \(commit)"
    }
    for target in good.keys where written[target] == nil && removed[target] == nil {
      if isComplete {
        removed[target] = commit
      } else {
        held[target] = "absent in \(commit), which is empty or has errors"
      }
    }
    accepted = commit
    return isComplete ? "\(commit) accepted" : "\(commit) accepted, incomplete"
  }

  /// The agent's memory of what was there before is gone: absence proves nothing any more.
  mutating func forgetHistory() {
    for target in removed.keys { good[target] = nil }
    removed = [:]
  }
}

/// What a manifest would say of one target. The defaults are short, so that scripts are.
struct TargetSettings {
  var version = "1.0.0"
  var instances = 2
  var configuration = ""
  var rollout = RolloutPolicy(bake: .seconds(10))
  var traffic = TrafficPolicy(drainDeadline: .seconds(5))
  var drift = DriftPolicy(debounce: .seconds(3))
  var health = HealthGate(check: .http(path: "/healthz", expect: [200]), deadline: .seconds(30))
  var listen = "127.0.0.1:8080"
  var preview: String?
  var platform: PlatformName = "local"
  var dependsOn: [TargetID] = []
  var wave: Int?
  var group: GroupName?
  var jobs: [JobDeclaration]?

  func desired(_ id: TargetID, source: SourceName, commit: CommitID) -> DesiredTarget {
    let workload: CanonicalValue = [
      "command": [.string("./\(id.application)")],
      "environment": .present([
        "CONFIGURATION": configuration.isEmpty ? nil : .string(configuration)
      ]),
    ]
    let artifact = InputReference(
      kind: .artifact, name: "artifacts/\(id.application)-\(version).tar.gz")
    let spec = StackSpec(
      workloadKind: "process", workload: workload, inputs: [artifact], instances: instances,
      health: health, jobs: jobs)
    var target = DesiredTarget(
      id: id, source: source, commit: commit, version: version, platform: platform, spec: spec,
      rollout: rollout, traffic: traffic, drift: drift,
      route: traffic.mode == .none ? nil : declaration, dependsOn: dependsOn,
      declaredDigest: spec.declaredDigest)
    (target.wave, target.group) = (wave, group)
    return target
  }

  /// `version=2.0.0`; the answer is what is wrong with the pair, if anything.
  mutating func set(_ key: String, _ value: String) -> String? {
    switch key {
    case "version": version = value
    case "config": configuration = value
    case "listen": listen = value
    case "preview": preview = value
    case "match":
      rollout.match = value.split(separator: ",").map { rule in
        let words = rule.split(separator: ":").map(String.init)
        return RequestRule(words[0] == "cookie" ? .cookie : .header, words[1], is: words[2])
      }
    case "sticky": rollout.sticky = Stickiness(cookie: value, maxAge: .seconds(3600))
    case "platform": platform = PlatformName(rawValue: value)
    case "instances": return assign(&instances, Int(value))
    case "healthyAfter": return assign(&health.healthyAfter, Int(value))
    case "retain": return assign(&rollout.retain.stacks, Int(value))
    case "wave": wave = Int(value)
    case "group": group = value == "none" ? nil : GroupName(rawValue: value)
    case "surge": rollout.maxSurge = Int(value)
    case "unavailable": rollout.maxUnavailable = Int(value)
    case "irreversible": rollout.isIrreversible = value == "true" ? true : nil
    case "exclusive": traffic.exclusive = value == "true"
    case "strategy": return assign(&rollout.strategy, .init(rawValue: value))
    case "steps":
      return assign(&rollout.steps, Self.steps(value, bake: rollout.bake))
    case "analysis":
      return assign(&rollout.analysis, Self.analysis(value))
    case "jobs": jobs = Self.jobs(value)
    case "tests": return assign(&rollout.tests, Self.tests(value))
    case "onNewCommit": return assign(&rollout.onNewCommit, .init(rawValue: value))
    case "mode": return assign(&traffic.mode, .init(rawValue: value))
    case "then": return assign(&traffic.afterDrain, .init(rawValue: value))
    case "drift": return assign(&drift.action, .init(rawValue: value))
    case "ignore": drift.ignore = value.split(separator: ",").map(String.init)
    case "dependsOn": return assign(&dependsOn, TargetID(parsing: value).map { [$0] })
    default: return setDuration(key, Duration(parsing: value))
    }
    return nil
  }

  private var declaration: CanonicalValue {
    var keys: [String: CanonicalValue] = ["listen": .string(listen)]
    keys["preview"] = preview.map { .string($0) }
    return .object(keys)
  }

  /// `10,25:5s,50:5s:approval`: weight, bake, and whether a person has to approve what follows.
  private static func steps(_ text: String, bake: Duration) -> [RolloutStep]? {
    var steps: [RolloutStep] = []
    for part in text.split(separator: ",") {
      let words = part.split(separator: ":").map(String.init)
      guard let weight = words.first.flatMap({ Int($0) }) else { return nil }
      steps.append(
        RolloutStep(
          weightPercent: weight,
          bake: words.dropFirst().first.flatMap(Duration.init(parsing:)) ?? bake,
          approvalWithin: words.last == "approval" ? .seconds(60) : nil))
    }
    return steps
  }

  /// `before:migrate,after:warm:irreversible`.
  private static func jobs(_ text: String) -> [JobDeclaration] {
    text.split(separator: ",").compactMap { part in
      let words = part.split(separator: ":").map(String.init)
      guard words.count >= 2, let time = JobDeclaration.Time(rawValue: words[0]) else { return nil }
      return JobDeclaration(
        name: words[1], time: time, command: ["./\(words[1])"], deadline: .seconds(30),
        isIrreversible: words.last == "irreversible")
    }
  }

  /// `smoke:5s,login:10s`: names and deadlines.
  private static func tests(_ text: String) -> [TestDeclaration]?? {
    let tests = text.split(separator: ",").map { part in
      let words = part.split(separator: ":").map(String.init)
      return TestDeclaration(
        name: words[0],
        call: words.last == "command"
          ? .command(["./\(words[0])"])
          : .http(path: "/\(words[0])", expect: [200], contains: nil),
        deadline: words.dropFirst().first.flatMap(Duration.init(parsing:)) ?? .seconds(30))
    }
    return .some(tests)
  }

  /// `300:1:2m`: requests that are needed, margin in points, deadline; `on`: as usual.
  private static func analysis(_ text: String) -> AnalysisDeclaration?? {
    var analysis = AnalysisDeclaration()
    let words = text.split(separator: ":").map(String.init)
    if words.last == "allow" { analysis.noTraffic = .allow }
    if words.first == "on" || words.first == "allow" { return analysis }
    guard words.count >= 3, let requests = Int(words[0]), let margin = Double(words[1]),
      let deadline = Duration(parsing: words[2])
    else { return nil }
    analysis.minimumRequests = requests
    analysis.errorMarginPoints = margin
    analysis.deadline = deadline
    return analysis
  }

  private mutating func setDuration(_ key: String, _ value: Duration?) -> String? {
    switch key {
    case "bake": assign(&rollout.bake, value)
    case "drain": assign(&traffic.drainDeadline, value)
    case "debounce": assign(&drift.debounce, value)
    case "deadline": assign(&health.deadline, value)
    case "warm": assign(&rollout.retain.warm, value)
    case "quarantined": assign(&rollout.retain.quarantined, value)
    default: "unknown setting \(key)"
    }
  }

  private func assign<Value>(_ place: inout Value, _ value: Value?) -> String? {
    guard let value else { return "not a value for this setting" }
    place = value
    return nil
  }
}
