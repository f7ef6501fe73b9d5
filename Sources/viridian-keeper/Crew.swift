import CHost
import Glibc
import KeeperKit
import PlatformKit

/// The instances of one stack: what each should do, does and did.
struct Crew {
  private struct Seat {
    var status = InstanceStatus()
    /// Earliest next start; boot clock.
    var notBefore = 0
    /// When SIGKILL follows SIGTERM; boot clock.
    var killAt: Int?
    /// What outside the stack keeps it from starting.
    var blocked: String?
  }

  /// Between two tries of something that waits for the world outside.
  private static let retryMilliseconds = 1000

  private let layout: StackLayout
  private let plan: KeeperPlan
  private let keeper: ProcessIdentity
  private let launch: CommandLaunch
  private let remnants: Remnants
  private var phase = KeeperStatus.Phase.running
  private var seats: [Seat]
  private var written: KeeperStatus?

  /// Takes over what an earlier keeper left running.
  init(
    _ layout: StackLayout, _ plan: KeeperPlan, _ launch: CommandLaunch, _ remnants: Remnants
  ) throws(HostError) {
    self.layout = layout
    self.plan = plan
    keeper =
      HostProcess.read(getpid())?.identity
      ?? ProcessIdentity(pid: getpid(), startTicks: 0, bootID: Host.bootID)
    self.launch = launch
    self.remnants = remnants
    seats = Array(repeating: Seat(), count: plan.declared)
    try makeDirectories()
    try takeOver()
  }

  private func makeDirectories() throws(HostError) {
    try HostDirectory.make(layout.logs)
    try HostDirectory.make(layout.scratch, mode: 0o755)
    guard let user = plan.user.flatMap(HostUser.init(named:)) else { return }
    guard chown(layout.scratch, user.uid, user.gid) == 0 else {
      throw .system(what: "cannot give \(layout.scratch) to its user", errno: errno)
    }
  }

  private mutating func takeOver() throws(HostError) {
    let old: KeeperStatus?
    do throws(HostError) {
      old = try HostFile.decode(KeeperStatus.self, from: layout.status)
    } catch .malformed(_, let reason) {
      say("status.json is damaged (\(reason)); what runs is looked for in the cgroup")
      old = nil
    }
    for (number, instance) in (old?.instances ?? []).prefix(plan.declared).enumerated() {
      seats[number].status = instance
      guard old?.keeper.bootID != Host.bootID else { continue }
      seats[number].status.process = nil
      seats[number].status.isStopping = false
      seats[number].status.restarts.rebooted()
    }
    for number in seats.indices where seats[number].status.process == nil {
      guard let leader = try remnants.leader(number) else { continue }
      say("instance \(number) runs as process \(leader.pid) without a record: taken over")
      seats[number].status.process = leader
    }
  }

  /// Nothing runs, and every exit is recorded.
  var isEmpty: Bool { seats.allSatisfy { $0.status.process == nil } }

  var processes: [Int32] {
    seats.compactMap { $0.status.process }.filter(\.isAlive).map(\.pid)
  }

  /// Living instances that nobody has told to stop, by number.
  var serving: [Int: ProcessIdentity] {
    var found: [Int: ProcessIdentity] = [:]
    for (number, seat) in seats.enumerated() where !seat.status.isStopping {
      if let process = seat.status.process, process.isAlive { found[number] = process }
    }
    return found
  }

  /// Whose exits will be asked for.
  var awaited: [Int32] { seats.compactMap { $0.status.process?.pid } }

  /// Until something is due without anybody telling: at most a second, for the logs.
  var milliseconds: Int {
    let now = Host.millisecondsSinceBoot
    let due = seats.map(\.notBefore).filter { $0 > now } + seats.compactMap(\.killAt)
    return max(10, min(1000, (due.min() ?? now + 1000) - now))
  }

  /// Brings the instances one step nearer to `intended` of them running.
  mutating func step(
    intended: Int, at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    for number in seats.indices {
      try settle(number, at: now, &exits)
      // What has been told to stop stops, also when it is wanted again meanwhile.
      if number < intended, !seats[number].status.isStopping {
        try start(number, at: now)
      } else {
        seats[number].blocked = nil
        try stop(number, at: now)
      }
    }
    launch.logs.rotate(seats.indices)
    let blocked = seats.compactMap(\.blocked).first
    try report(blocked.map { .waiting(reason: $0) } ?? .running)
  }

  /// Writes the status when it differs from what was written last.
  mutating func report(_ phase: KeeperStatus.Phase) throws(HostError) {
    self.phase = phase
    let status = KeeperStatus(keeper: keeper, phase: phase, instances: seats.map(\.status))
    guard status != written else { return }
    try HostFile.write(try HostFile.json(status), to: layout.status)
    written = status
  }

  /// Records an exit, asked for or not.
  private mutating func settle(
    _ number: Int, at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    seats[number].status.restarts.forget(at: now, plan.restart)
    guard let process = seats[number].status.process, !process.isAlive else { return }
    // What it left behind must not run beside its successor.
    try remnants.kill(.instance(number))
    let exit =
      exits.take(process.pid)?.description ?? "ended while it was not a child of this keeper"
    seats[number].status.process = nil
    seats[number].killAt = nil
    if seats[number].status.isStopping {
      seats[number].status.isStopping = false
      say("instance \(number) has stopped: \(exit)")
      return
    }
    let delay = seats[number].status.restarts.exited(at: now, plan.restart)
    seats[number].notBefore = now + delay
    seats[number].status.lastExit = exit
    say("instance \(number) ended: \(exit); next start in \(delay) ms")
  }

  private mutating func start(_ number: Int, at now: Int) throws(HostError) {
    guard seats[number].status.process == nil, now >= seats[number].notBefore else { return }
    guard try remnants.processes(.instance(number)).isEmpty else {
      try remnants.kill(.instance(number))
      seats[number].notBefore = now + 50
      return
    }
    failpoint("keeper.before-start")
    let request: SpawnRequest
    do throws(LaunchWait) {
      request = try launch.request(instance: number)
    } catch {
      return wait(number, error.reason, at: now)
    }
    seats[number].blocked = nil
    try execute(number, request, at: now)
  }

  private mutating func wait(_ number: Int, _ reason: String, at now: Int) {
    if seats[number].blocked != reason { say(reason) }
    seats[number].blocked = reason
    seats[number].notBefore = now + Self.retryMilliseconds
  }

  /// The child's identity is on disk before the child may run: it is never started twice.
  private mutating func execute(
    _ number: Int, _ request: SpawnRequest, at now: Int
  ) throws(HostError) {
    let child: HeldProcess
    do throws(HostError) {
      child = try request.fork()
    } catch {
      return wait(number, "instance \(number): \(error)", at: now)
    }
    failpoint("keeper.after-fork")
    do throws(HostError) {
      seats[number].status.process = HostProcess.read(child.pid)?.identity
      try report(phase)
    } catch {
      child.abandon()
      seats[number].status.process = nil
      throw error
    }
    failpoint("keeper.after-record")
    do throws(HostError) {
      try child.release()
    } catch {
      return cannotStart(number, error, at: now)
    }
    failpoint("keeper.after-start")
  }

  private mutating func cannotStart(_ number: Int, _ error: HostError, at now: Int) {
    seats[number].status.process = nil
    seats[number].status.lastExit = "\(error)"
    // What the release lacks will not come by waiting; memory or processes may.
    let isFinal = [ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP].contains(error.code)
    let delay =
      isFinal
      ? seats[number].status.restarts.cannotStart(at: now, plan.restart)
      : seats[number].status.restarts.exited(at: now, plan.restart)
    seats[number].notBefore = now + delay
    say("instance \(number): \(error); next start in \(delay) ms")
  }

  /// SIGTERM to the whole group, and SIGKILL when the drain deadline has passed.
  private mutating func stop(_ number: Int, at now: Int) throws(HostError) {
    guard let process = seats[number].status.process else { return }
    guard let deadline = seats[number].killAt else {
      seats[number].status.isStopping = true
      // Recorded first: a successor must not count this exit as a crash.
      try report(phase)
      seats[number].killAt = now + plan.drainMilliseconds
      failpoint("keeper.before-stop")
      if process.isAlive { kill(-process.pid, SIGTERM) }
      failpoint("keeper.after-stop")
      return
    }
    guard now >= deadline else { return }
    if process.isAlive { kill(-process.pid, SIGKILL) }
    try remnants.kill(.instance(number))
  }
}
