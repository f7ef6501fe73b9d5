import CHost
import Glibc
import KeeperKit
import PlatformKit

/// The instances of one stack: what each should do, does and did.
struct Crew {
  private let layout: StackLayout
  private let plan: KeeperPlan
  private let cgroup: StackCgroup
  private let keeper: ProcessIdentity
  private var phase = KeeperStatus.Phase.running
  private var instances: [InstanceStatus]
  /// Earliest next start, by instance; boot clock.
  private var notBefore: [Int]
  /// When SIGKILL follows SIGTERM, by instance; boot clock.
  private var killAt: [Int?]
  private var written: KeeperStatus?
  private let logs: LogRotation
  private var exits = ExitWords()

  /// Takes over what an earlier keeper left running.
  init(_ layout: StackLayout, _ plan: KeeperPlan) throws(HostError) {
    self.layout = layout
    self.plan = plan
    cgroup = StackCgroup(path: plan.cgroup)
    keeper =
      HostProcess.read(getpid())?.identity
      ?? ProcessIdentity(pid: getpid(), startTicks: 0, bootID: Host.bootID)
    logs = LogRotation(layout: layout)
    instances = Array(repeating: InstanceStatus(), count: plan.declared)
    notBefore = Array(repeating: 0, count: plan.declared)
    killAt = Array(repeating: nil, count: plan.declared)
    try HostDirectory.make(layout.logs)
    try HostDirectory.make(layout.scratch, mode: 0o755)
    if let user = plan.user.flatMap(HostUser.init(named:)) {
      chown(layout.scratch, user.uid, user.gid)
    }
    guard let old = try HostFile.decode(KeeperStatus.self, from: layout.status) else { return }
    for (number, instance) in old.instances.prefix(plan.declared).enumerated() {
      instances[number] = instance
      if old.keeper.bootID != Host.bootID {
        instances[number].process = nil
        instances[number].isStopping = false
        instances[number].restarts.rebooted()
      }
    }
  }

  /// Nothing runs.
  var isEmpty: Bool { processes.isEmpty }

  var processes: [Int32] { instances.compactMap { $0.process }.filter(\.isAlive).map(\.pid) }

  /// Until something is due without anybody telling: at most a second, for the logs.
  var milliseconds: Int {
    let now = Host.millisecondsSinceBoot
    let due = (notBefore.filter { $0 > now } + killAt.compactMap { $0 }).min() ?? now + 1000
    return max(10, min(1000, due - now))
  }

  /// Brings the instances one step nearer to `intended` of them running.
  mutating func step(intended: Int, at now: Int) throws(HostError) {
    exits.reap()
    var blocked: String?
    for number in instances.indices {
      try settle(number, at: now)
      if number < intended {
        if let reason = try start(number, at: now) { blocked = reason }
      } else {
        try stop(number, at: now)
      }
    }
    logs.rotate(instances.indices)
    try report(blocked.map { .waiting(reason: $0) } ?? .running)
  }

  mutating func report(_ phase: KeeperStatus.Phase) throws(HostError) {
    self.phase = phase
    let status = KeeperStatus(keeper: keeper, phase: phase, instances: instances)
    guard status != written else { return }
    try HostFile.write(try HostFile.json(status), to: layout.status)
    written = status
  }

  /// Records an exit, asked for or not.
  private mutating func settle(_ number: Int, at now: Int) throws(HostError) {
    instances[number].restarts.forget(at: now, plan.restart)
    guard let process = instances[number].process, !process.isAlive else { return }
    // What it started and left behind must not run beside its successor.
    try cgroup.kill(StackCgroup.leaf(number))
    kill(-process.pid, SIGKILL)
    instances[number].process = nil
    killAt[number] = nil
    if instances[number].isStopping {
      instances[number].isStopping = false
      return
    }
    let delay = instances[number].restarts.exited(at: now, plan.restart)
    notBefore[number] = now + delay
    instances[number].lastExit = exits.removeValue(process.pid) ?? "it ended"
    say("instance \(number) ended (\(instances[number].lastExit ?? "")); next start in \(delay) ms")
  }

  /// Starts the instance if it should run and does not; a text says what keeps it from starting.
  private mutating func start(_ number: Int, at now: Int) throws(HostError) -> String? {
    guard instances[number].process == nil, now >= notBefore[number] else { return nil }
    let port = plan.ports[number]
    if port > 0, !PortProbe.isFree(port) {
      notBefore[number] = now + 1000
      return "port \(port) of instance \(number) is taken by somebody else"
    }
    var secrets: [String: String] = [:]
    if let path = plan.secrets {
      guard let values = try HostFile.decode([String: String].self, from: path) else {
        notBefore[number] = now + 1000
        return "the secrets are not there (\(path)); the agent writes them again"
      }
      secrets = values
    }
    failpoint("keeper.before-start")
    do throws(HostError) {
      try launch(number, secrets)
      failpoint("keeper.after-start")
    } catch {
      say("instance \(number) cannot start: \(error)")
      instances[number].process = nil
      instances[number].lastExit = "\(error)"
      let isFault = [ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP].contains(error.code)
      let delay =
        isFault
        ? instances[number].restarts.cannotStart(at: now, plan.restart)
        : instances[number].restarts.exited(at: now, plan.restart)
      notBefore[number] = now + delay
    }
    return nil
  }

  private mutating func launch(
    _ number: Int, _ secrets: [String: String]
  ) throws(HostError) {
    let arguments = plan.arguments(number)
    let environment = plan.environment(number, layout, secrets: secrets)
    var request = SpawnRequest(
      path: try Executable.path(arguments.first ?? "", environment), arguments: arguments,
      environment: environment, directory: plan.directory(layout),
      output: try logs.open(number))
    request.cgroups = try cgroup.make(StackCgroup.leaf(number), limits: plan.limits)
    if let name = plan.user {
      guard let user = HostUser(named: name) else {
        throw .system(what: "this host has no user \(name)", errno: ENOENT)
      }
      request.user = user
    }
    let child = try request.fork()
    failpoint("keeper.after-fork")
    instances[number].process = HostProcess.read(child.pid)?.identity
    instances[number].isStopping = false
    try report(phase)
    failpoint("keeper.after-record")
    try child.release()
  }

  /// SIGTERM, and SIGKILL when the drain deadline has passed.
  private mutating func stop(_ number: Int, at now: Int) throws(HostError) {
    guard let process = instances[number].process else { return }
    guard let deadline = killAt[number] else {
      instances[number].isStopping = true
      killAt[number] = now + plan.drainMilliseconds
      // Recorded first: a successor must not count this exit as a crash.
      try report(phase)
      failpoint("keeper.before-stop")
      kill(-process.pid, SIGTERM)
      failpoint("keeper.after-stop")
      return
    }
    guard now >= deadline else { return }
    try cgroup.kill(StackCgroup.leaf(number))
    kill(-process.pid, SIGKILL)
  }
}
