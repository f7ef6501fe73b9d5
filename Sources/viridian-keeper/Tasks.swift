import Glibc
import KeeperKit
import PlatformKit

/// The tasks of one stack: each is started once, followed, ended at its deadline, and its end is
/// written down.
///
/// What is on disk decides: no mark, and it may be started; a mark, and it never is again; an end,
/// and nobody looks at it any more.
struct Tasks {
  private struct Run {
    var order: TaskOrder
    var start: TaskStart?
    /// Started by this keeper: nobody else is told how it ends.
    var isChild = false
    /// Earliest next try to start it; boot clock.
    var notBefore = 0
    /// What keeps it from starting.
    var blocked: String?
    /// Why it was told to end, and when SIGKILL follows; boot clock.
    var ending: (end: TaskEnd, killAt: Int)?
    /// Known, and written when nothing of it runs any more.
    var end: TaskEnd?

    func ended(_ end: TaskEnd) -> Run {
      var run = self
      run.end = end
      return run
    }
  }

  /// Between two tries of something that waits for the world outside.
  private static let retryMilliseconds = 1000
  /// Between two looks at something that was killed and is about to go.
  private static let killMilliseconds = 20

  private let layout: StackLayout
  private let plan: KeeperPlan
  private let launch: CommandLaunch
  private let remnants: Remnants
  private var runs: [String: Run] = [:]
  private var ended: Set<String> = []
  private var isRetiring = false

  init(
    _ layout: StackLayout, _ plan: KeeperPlan, _ launch: CommandLaunch, _ remnants: Remnants
  ) throws(HostError) {
    self.layout = layout
    self.plan = plan
    self.launch = launch
    self.remnants = remnants
    try HostDirectory.make(layout.tasks)
    try find()
  }

  /// A keeper has something to do for a task.
  static func areOrdered(in layout: StackLayout) throws(HostError) -> Bool {
    guard try !HostFile.exists(layout.retiring) else { return false }
    for name in try HostDirectory.list(layout.tasks) where TaskOrder.isName(name) {
      let files = layout.task(name)
      if try HostFile.exists(files.order), try !HostFile.exists(files.end) { return true }
    }
    return false
  }

  /// Nothing runs, and nothing is to be started.
  var isEmpty: Bool {
    isRetiring
      ? runs.values.allSatisfy { $0.start == nil && $0.end == nil } : runs.isEmpty
  }

  /// Processes whose exits will be asked for.
  var awaited: [Int32] {
    runs.values.filter { $0.end == nil }.compactMap { $0.start?.process.pid }
  }

  /// Until something is due without anybody telling: at most a second, for the logs.
  var milliseconds: Int {
    let now = Host.millisecondsSinceBoot
    let due = runs.values.flatMap { run -> [Int] in
      guard run.end == nil else { return [now + Self.killMilliseconds] }
      if let ending = run.ending { return [ending.killAt] }
      return [run.start.map { $0.milliseconds + run.order.deadlineMilliseconds } ?? run.notBefore]
    }
    return max(10, min(1000, (due.min() ?? now + 1000) - now))
  }

  /// Brings every task one step nearer to its end.
  mutating func step(
    isRetiring: Bool, at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    self.isRetiring = isRetiring
    try find()
    for name in runs.keys.sorted() {
      guard var run = runs[name] else { continue }
      // What was found out is kept, whatever goes wrong.
      defer { runs[name] = ended.contains(name) ? nil : run }
      if run.end == nil, run.start == nil, !isRetiring { try start(&run, at: now) }
      try follow(&run, at: now, &exits)
      launch.logs.rotate(layout.task(name))
      try finish(&run)
    }
  }

  // MARK: - What is on disk

  private mutating func find() throws(HostError) {
    for name in try HostDirectory.list(layout.tasks)
    where TaskOrder.isName(name) && !ended.contains(name) && runs[name] == nil {
      let files = layout.task(name)
      if try HostFile.exists(files.end) {
        ended.insert(name)
      } else if let run = try read(name, files) {
        runs[name] = run
      }
    }
  }

  /// A damaged file ends the task: what cannot be read must not be run on a guess.
  private func read(_ name: String, _ files: TaskLayout) throws(HostError) -> Run? {
    let unknown = Run(
      order: TaskOrder(name: name, command: [], environment: [:], deadlineMilliseconds: 0))
    let hasBegun = try HostFile.exists(files.start)
    do throws(HostError) {
      guard let order = try HostFile.decode(TaskOrder.self, from: files.order) else {
        return hasBegun ? unknown.ended(.lost(reason: "its order was removed")) : nil
      }
      var run = unknown
      run.order = order
      run.start = try HostFile.decode(TaskStart.self, from: files.start)
      return run
    } catch .malformed(let path, let reason) {
      let what = "\(path): \(reason)"
      return unknown.ended(hasBegun ? .lost(reason: what) : .failed(reason: what))
    }
  }

  // MARK: - Start

  /// The mark is on disk before the process may run, and nobody can make it twice.
  private func start(_ run: inout Run, at now: Int) throws(HostError) {
    guard now >= run.notBefore else { return }
    failpoint("keeper.before-task")
    let child: HeldProcess
    do throws(LaunchWait) {
      let request = try launch.request(task: run.order)
      child = try Self.fork(request, run.order.name)
    } catch {
      if run.blocked != error.reason { say(error.reason) }
      run.blocked = error.reason
      run.notBefore = now + Self.retryMilliseconds
      return
    }
    failpoint("keeper.after-task-fork")
    guard try mark(&run, child, at: now) else { return }
    failpoint("keeper.after-task-mark")
    say("task \(run.order.name) starts as process \(child.pid)")
    do throws(HostError) {
      try child.release()
    } catch {
      // It is gone without having been executed.
      run.end = .failed(reason: "\(error)")
    }
    failpoint("keeper.after-task-start")
  }

  private static func fork(
    _ request: SpawnRequest, _ name: String
  ) throws(LaunchWait) -> HeldProcess {
    do throws(HostError) {
      return try request.fork()
    } catch {
      throw LaunchWait(reason: "task \(name): \(error)")
    }
  }

  /// Whether the child may run; false when somebody else has begun the task.
  private func mark(
    _ run: inout Run, _ child: HeldProcess, at now: Int
  ) throws(HostError) -> Bool {
    let files = layout.task(run.order.name)
    do throws(HostError) {
      guard let identity = HostProcess.read(child.pid)?.identity else {
        throw .system(what: "cannot identify the process \(child.pid)", errno: ESRCH)
      }
      // The agent has done so before, or was killed: a mark must not be lost with its directory.
      try HostFile.syncDirectory(layout.directory)
      try HostFile.syncDirectory(layout.tasks)
      let start = TaskStart(process: identity, milliseconds: now)
      try HostFile.create(try HostFile.json(start), at: files.start)
      run.start = start
      run.isChild = true
      return true
    } catch {
      child.abandon()
      guard error.code == EEXIST else { throw error }
      run.start = try HostFile.decode(TaskStart.self, from: files.start)
      return false
    }
  }

  // MARK: - End

  private func follow(
    _ run: inout Run, at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    guard run.end == nil, let start = run.start else { return }
    guard start.process.isAlive else {
      let exit = run.isChild ? exits.take(start.process.pid) : nil
      run.end = run.ending?.end ?? Self.end(start, exit)
      return
    }
    if let ending = run.ending {
      guard now >= ending.killAt else { return }
      if start.process.isAlive { kill(-start.process.pid, SIGKILL) }
      try remnants.kill(.task(run.order.name))
    } else if now >= start.milliseconds + run.order.deadlineMilliseconds {
      tell(&run, start, because: .overdue, at: now)
    } else if isRetiring {
      tell(&run, start, because: .failed(reason: "the stack is being retired"), at: now)
    }
  }

  /// SIGTERM to the whole group; it has the drain's time to end by itself, as instances have.
  private func tell(_ run: inout Run, _ start: TaskStart, because end: TaskEnd, at now: Int) {
    run.ending = (end, now + plan.drainMilliseconds)
    if start.process.isAlive { kill(-start.process.pid, SIGTERM) }
  }

  private static func end(_ start: TaskStart, _ exit: ExitWord?) -> TaskEnd {
    if let exit {
      return exit.isSuccess ? .succeeded : .failed(reason: exit.description)
    }
    return .lost(
      reason: start.process.bootID == Host.bootID
        ? "its keeper ended before it did: nobody knows how it ended"
        : "the host was started anew: nobody knows whether it had ended")
  }

  /// Writes the end once nothing of the task runs any more.
  private mutating func finish(_ run: inout Run) throws(HostError) {
    guard let end = run.end else { return }
    let name = run.order.name
    let leaf = CgroupLeaf.task(name)
    // The next look finds them gone.
    guard try remnants.processes(leaf).isEmpty else { return try remnants.kill(leaf) }
    failpoint("keeper.before-task-end")
    try HostFile.write(try HostFile.json(end), to: layout.task(name).end)
    failpoint("keeper.after-task-end")
    say("task \(name): \(end)")
    ended.insert(name)
    do throws(HostError) {
      try remnants.cgroup.remove(leaf.name)
    } catch {
      // Retirement removes the whole group.
      say("\(error)")
    }
  }
}
