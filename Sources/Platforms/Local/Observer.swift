import KeeperKit
import Model
import PlatformKit

/// Reads what is there. Writes nothing.
struct Observer: Sendable {
  let site: Site
  let files: StackFiles

  /// One complete listing, or an error.
  func observe() throws(PlatformError) -> LiveState {
    var live = LiveState()
    let census = try onHost { () throws(HostError) in try Census() }
    for name in try files.names() {
      switch try files.entry(name) {
      case .absent: continue
      case .foreign(let object): live.foreign.append(object)
      case .ours(let certificate): live.stacks.append(observation(certificate, census))
      }
    }
    return live
  }

  /// A stack whose files cannot be read is stuck; the others are none the worse for it.
  private func observation(_ certificate: BirthCertificate, _ census: Census) -> StackObservation {
    let declared = certificate.spec.instances
    do throws(HostError) {
      let facts = try facts(certificate, census)
      var observation = StackObservation(
        certificate: certificate, phase: facts.phase,
        capacity: Capacity(
          declared: declared, intended: facts.intended, running: facts.running.count),
        endpoints: endpoints(certificate, facts),
        restarts: facts.status?.instances.map(\.restarts.total).reduce(0, +) ?? 0,
        lastExit: facts.lastExit)
      observation.tasks = try files.tasks(certificate)
      return observation
    } catch {
      // Nobody may take it for stopped: what cannot be counted may all be running.
      return StackObservation(
        certificate: certificate, phase: .stuck(reason: "\(error)"),
        capacity: Capacity(declared: declared, intended: declared, running: declared))
    }
  }

  func facts(
    _ certificate: BirthCertificate, _ census: Census
  ) throws(HostError) -> StackFacts {
    let name = site.name(certificate)
    let layout = site.layout(name)
    let cgroup = site.cgroup(certificate)
    let status = try files.status(name)
    let declared = certificate.spec.instances
    var running: Set<Int> = []
    for instance in 0..<declared {
      let process = status.flatMap {
        $0.instances.count > instance ? $0.instances[instance].process : nil
      }
      if process?.isAlive == true {
        running.insert(instance)
      } else if try !census.processes(instance, cgroup, layout).isEmpty {
        running.insert(instance)
      }
    }
    let hasOpenTask = try TaskFiles(layout).hasOpen()
    let lacksSecrets = hasOpenTask ? try lacksSecrets(name) : false
    return StackFacts(
      declared: declared, intended: intended(name, declared), running: running,
      keeperLives: try FileLock.isHeld(layout.lock), hasPlan: try HostFile.exists(layout.plan),
      status: status, hasOpenTask: hasOpenTask,
      lacksSecrets: lacksSecrets, retiring: try Self.mark(layout), bootID: Host.bootID,
      millisecondsSinceBoot: Host.millisecondsSinceBoot)
  }

  private func lacksSecrets(_ name: String) throws(HostError) -> Bool {
    guard let path = plan(name)?.secrets else { return false }
    return try !HostFile.exists(path)
  }

  /// Like a keeper reads it: what is no count means "as declared".
  private func intended(_ name: String, _ declared: Int) -> Int {
    do throws(HostError) {
      return try files.intended(name, declared: declared)
    } catch {
      return declared
    }
  }

  /// A mark that cannot be read is one all the same: nothing may start.
  static func mark(_ layout: StackLayout) throws(HostError) -> RetiringMark? {
    do throws(HostError) {
      return try HostFile.decode(RetiringMark.self, from: layout.retiring)
    } catch .malformed {
      return RetiringMark(bootID: "", milliseconds: 0, drainMilliseconds: 0)
    }
  }

  private func endpoints(
    _ certificate: BirthCertificate, _ facts: StackFacts
  ) -> [Endpoint] {
    guard certificate.traffic != .none, facts.retiring == nil else { return [] }
    let plan = plan(site.name(certificate))
    return facts.running.sorted().filter { $0 < facts.intended }.compactMap { number in
      port(number, facts, plan).map { Endpoint(instance: number, host: "127.0.0.1", port: $0) }
    }
  }

  /// What the process itself was started with: a plan changed by hand is drift, and must not lead
  /// the traffic away from what serves. The plan is for programs that hide their environment.
  private func port(_ number: Int, _ facts: StackFacts, _ plan: KeeperPlan?) -> Int? {
    if let instances = facts.status?.instances, instances.count > number,
      let process = instances[number].process, let port = Census.port(process.pid),
      process.isAlive
    {
      return port
    }
    guard let plan, plan.ports.count > number, plan.ports[number] > 0 else { return nil }
    return plan.ports[number]
  }

  /// nil also for a damaged one, which an inspection tells.
  private func plan(_ name: String) -> KeeperPlan? {
    do throws(HostError) {
      return try files.plan(name)
    } catch {
      return nil
    }
  }
}

extension StackFacts {
  /// The newest unasked exit of an instance.
  fileprivate var lastExit: String? {
    let exits = (status?.instances ?? []).enumerated().compactMap { number, instance in
      instance.lastExit.map { (number, $0, instance.restarts) }
    }
    let newest = exits.filter { $0.2.total > 0 }
      .max { $0.2.recentMilliseconds.last ?? 0 < $1.2.recentMilliseconds.last ?? 0 }
    return newest.map { "instance \($0.0): \($0.1)" }
  }
}
