import Model
import PlatformKit

/// Reads one target from its application, environment and own document.
struct TargetReading {
  let id: TargetID
  let version: String
  let node: ManifestNode
  let application: Documents.Entry
  let environment: Documents.Entry
  let target: MappingReader?
  let metadata: MappingReader?
  let context: ManifestContext
  private(set) var problems: [Diagnostic] = []

  init(
    id: TargetID, version: String, node: ManifestNode, application: Documents.Entry,
    environment: Documents.Entry, target: MappingReader?, metadata: MappingReader?,
    context: ManifestContext
  ) {
    self.id = id
    self.version = version
    self.node = node
    self.application = application
    self.environment = environment
    self.target = target
    self.metadata = metadata
    self.context = context
  }

  mutating func run() -> DesiredTarget? {
    checkVersion()
    guard let (platform, decoders) = platform(), let workload = workload(platform, decoders) else {
      return nil
    }
    let spec = application.spec
    let traffic = spec.mapping("traffic")?.trafficPolicy() ?? TrafficPolicy()
    let declared = target?.mapping("health") ?? spec.mapping("health")
    let health = declared?.healthGate(traffic.mode, &problems)
    let policy = target?.mapping("rollout") ?? spec.mapping("rollout")
    let tests = policy?.list("tests").compactMap { MappingReader($0)["command"] }
    if !workload.runsCommands,
      let node = declared?["command"] ?? spec["jobs"] ?? tests?.first
    {
      problems.append(
        node.error("a \(workload.kind) on platform \"\(platform)\" can run no command beside it"))
    }
    let instances = target?.integer("instances") ?? spec.integer("instances") ?? 1
    var rollout = policy?.rolloutPolicy(instances: instances, &problems) ?? RolloutPolicy()
    let isShared = rollout.strategy == .canary || rollout.strategy == .rolling
    if isShared, traffic.mode == .none || traffic.exclusive {
      let why =
        traffic.exclusive ? "an exclusive target never runs twice" : "a worker has no traffic"
      let node = target?["rollout"] ?? spec["rollout"] ?? self.node
      problems.append(
        node.error(
          "\(why): strategy \(rollout.strategy.rawValue) is for what takes traffic beside another"))
    }
    if rollout.strategy == .rolling, traffic.afterDrain == .wait {
      let node = target?["rollout"] ?? spec["rollout"] ?? self.node
      problems.append(
        node.error(
          "rolling ends instances on the way: one session that stays would hold it up for ever",
          suggestion: "traffic.drain.then: close, or strategy: blueGreen"))
    }
    if rollout.match != nil || rollout.sticky != nil, traffic.mode == .tcp {
      let node = target?["rollout"] ?? spec["rollout"] ?? self.node
      problems.append(node.error("match and sticky are for traffic.mode http: tcp has no requests"))
    }
    if traffic.exclusive { rollout.strategy = .recreate }
    checkTasks(rollout, spec.mapping("jobs"), instances, policy)
    rollout.tests = rollout.tests?.map { $0.of(version: version) }
    let route = route(traffic.mode, decoders)
    checkPreview(rollout, route)
    let stack = StackSpec(
      workloadKind: workload.kind, workload: workload.decoded.payload,
      inputs: workload.decoded.inputs.sorted(),
      instances: instances,
      health: health ?? HealthGate(check: MappingReader.standardCheck(traffic.mode)),
      jobs: spec.mapping("jobs")?.jobs(substitutions, &problems))
    var desired = DesiredTarget(
      id: id, source: context.source, commit: context.commit, version: version,
      platform: platform, spec: stack, rollout: rollout, traffic: traffic,
      drift: (target?.mapping("drift") ?? spec.mapping("drift"))?.driftPolicy(&problems)
        ?? DriftPolicy(),
      route: route, dependsOn: dependencies(), freeze: freeze(),
      labels: application.metadata.texts("labels").merging(metadata?.texts("labels") ?? [:]) {
        _, own in own
      },
      declaredDigest: stack.declaredDigest, declaredAt: position)
    desired.group = group(rollout)
    return desired
  }

  /// Its versions follow each other one by one, or go together with those of others.
  private mutating func group(_ rollout: RolloutPolicy) -> GroupName? {
    guard let node = target?["group"], let name = target?.text("group") else { return nil }
    if rollout.onNewCommit == .queue {
      problems.append(
        node.error("a group is released as one commit declares it: onNewCommit queue has no place"))
    }
    return GroupName(rawValue: name)
  }

  private var substitutions: Substitutions {
    Substitutions(version: version, application: id.application, environment: id.environment)
  }

  /// Where the version stands: what a commit most often changes.
  private var position: FilePosition {
    let node = target?["version"] ?? node
    return FilePosition(file: node.file, line: node.line)
  }

  private mutating func checkVersion() {
    guard !Version.isValid(version) else { return }
    problems.append((target?["version"] ?? node).error(Version.rule))
  }

  private mutating func platform() -> (PlatformName, PlatformDecoders)? {
    let name = PlatformName(rawValue: environment.spec.text("platform") ?? "")
    guard let decoders = context.platforms[name] else {
      let known = context.platforms.keys.sorted().map(\.rawValue).joined(separator: ", ")
      problems.append(
        (environment.spec["platform"] ?? environment.reader.node).error(
          "the agent's configuration names no platform \"\(name)\"", suggestion: "known: \(known)"))
      return nil
    }
    return (name, decoders)
  }

  private mutating func workload(
    _ platform: PlatformName, _ decoders: PlatformDecoders
  ) -> (kind: String, decoded: DecodedWorkload, runsCommands: Bool)? {
    let declared = application.spec.mapping("workload")
    let fitting = decoders.workloads.filter { declared?[$0.kind] != nil }
    guard fitting.count == 1, let decoder = fitting.first, let node = declared?[decoder.kind] else {
      let kinds = decoders.workloads.map(\.kind).joined(separator: ", ")
      problems.append(
        (declared?.node ?? application.reader.node).error(
          "platform \"\(platform)\" of \(id) runs \(kinds): declare exactly one of them here"))
      return nil
    }
    let name = StackID(id, 1).name()
    if name.utf8.count > decoder.nameLimit {
      problems.append(
        Diagnostic(
          severity: .warning, file: self.node.file, line: self.node.line,
          message: "\(id): stack names longer than \(decoder.nameLimit) bytes are shortened"))
    }
    do throws(DecodingProblems) {
      let decoded = try decoder.decode(node, substitutions)
      problems += decoded.warnings
      return (decoder.kind, decoded, decoder.runsCommands)
    } catch {
      problems += error.diagnostics
      return nil
    }
  }

  private mutating func route(
    _ mode: TrafficPolicy.Mode, _ decoders: PlatformDecoders
  ) -> CanonicalValue? {
    guard let node = target?["route"] else {
      if mode != .none {
        problems.append(
          self.node.error(
            "\(id) has traffic but no route",
            suggestion: "add `route: { listen: \"127.0.0.1:8080\" }` to its Target, or "
              + "`traffic: { mode: none }` to the application"))
      }
      return nil
    }
    guard mode != .none else {
      problems.append(node.error("\(id) is a worker (traffic.mode none): it has no route"))
      return nil
    }
    do throws(DecodingProblems) {
      return try decoders.route.decode(node, mode: mode)
    } catch {
      problems += error.diagnostics
      return nil
    }
  }

  /// A stack runs 200 commands at most, and those of the tests at each point of its rollout.
  private mutating func checkTasks(
    _ rollout: RolloutPolicy, _ jobs: MappingReader?, _ instances: Int, _ policy: MappingReader?
  ) {
    let tests = (rollout.tests ?? []).count { !$0.needsPreview }
    let batch = max(1, (rollout.maxSurge ?? 1) + (rollout.maxUnavailable ?? 0))
    let points =
      rollout.strategy == .rolling
      ? (instances + batch - 1) / batch + 1 : rollout.canarySteps.count + 1
    let jobs = (jobs?.list("before") ?? []).count + (jobs?.list("after") ?? []).count
    guard tests * points + jobs > 200, let node = policy?["tests"] else { return }
    problems.append(
      node.error("\(tests) commands at \(points) points are more than the 200 that a stack runs"))
  }

  /// A test that reaches the new version before its traffic needs a way there.
  private mutating func checkPreview(_ rollout: RolloutPolicy, _ route: CanonicalValue?) {
    guard let test = rollout.tests?.first(where: \.needsPreview), route?["preview"] == nil else {
      return
    }
    let node = target?["rollout"] ?? application.spec["rollout"] ?? node
    problems.append(
      node.error(
        "test \"\(test.name)\" reaches \(id) through a preview, and its route has none",
        suggestion: "add `preview: \"127.0.0.1:8081\"` to the route"))
  }

  private func dependencies() -> [TargetID] {
    application.spec.list("dependsOn").compactMap(\.text).map {
      TargetID(ApplicationName(rawValue: $0), id.environment)
    }
  }

  private mutating func freeze() -> [FreezeWindow] {
    environment.spec.list("freeze").map {
      MappingReader($0).freezeWindow(&problems, isTimeZone: context.isTimeZone)
    }
  }
}
