import Glibc
import KeeperKit
import Testing

@Suite struct TaskTests {
  @Test func `a task runs once beside the instances, with what is its own, and only that`()
    async throws
  {
    let rig = try Rig(
      ["./serve"], scripts: ["job": "env > $HOME/env\necho $PWD $1\necho x >> $HOME/runs\n"],
      ports: [47_321], environment: ["LISTEN": "127.0.0.1:${port}", "MODE": "serve"])
    try rig.order("before-migrate", ["./job", "${port}"], environment: ["MODE": "job"])
    try rig.keep()
    try await rig.until("it has ended") { try rig.taskEnd("before-migrate") == .succeeded }
    try await rig.untilRunning()
    let expected = [
      "HOME=\(rig.layout.scratch)", "LISTEN=127.0.0.1:${port}", "MODE=job",
      "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=\(rig.layout.release)",
      "TMPDIR=\(rig.layout.scratch)", "VIRIDIAN_STACK=web-test-v001",
      "VIRIDIAN_TASK=before-migrate", "VIRIDIAN_VERSION=1.10",
    ]
    #expect(try rig.lines("env").sorted() == expected)
    #expect(
      try HostFile.text(rig.layout.task("before-migrate").log) == "\(rig.layout.release) ${port}")
    try rig.order("second", ["./job"])
    try await rig.until("the next one has ended") { try rig.taskEnd("second") == .succeeded }
    #expect(try rig.lines("runs").count == 2 && rig.lines("starts").count == 1)
    try await rig.close()
  }

  @Test func `a keeper of a parked stack unpacks, runs the tasks and ends`() async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\nexit 3\n"], instances: 2)
    try rig.intend(0)
    try rig.order("one", ["./job"])
    try rig.order("two", ["./missing"])
    #expect(try await rig.end(of: try rig.keep()) == 0)
    #expect(try rig.taskEnd("one") == .failed(reason: "exit status 3"))
    guard case .failed(let reason)? = try rig.taskEnd("two") else {
      throw Rig.Failure(description: "no failure")
    }
    #expect(reason.contains("./missing: No such file"))
    #expect(try rig.lines("runs").count == 1 && rig.lines("starts").isEmpty)
    #expect(try await rig.end(of: try rig.keep()) == 0)
    #expect(try rig.lines("runs").count == 1)
    try await rig.close()
  }

  @Test func `at its deadline a task is told to end, and then all of it is killed`() async throws {
    let script = """
      trap 'echo told' TERM
      setsid sh -c "trap '' TERM; while :; do sleep 0.1; done" &
      while :; do sleep 0.05; done
      """
    let rig = try Rig(scripts: ["job": script], drainMilliseconds: 500)
    try rig.intend(0)
    try rig.order("slow", ["./job"], deadlineMilliseconds: 700)
    let begun = Host.millisecondsSinceBoot
    #expect(try await rig.end(of: try rig.keep()) == 0)
    #expect(Host.millisecondsSinceBoot - begun >= 1200)
    #expect(try rig.taskEnd("slow") == .overdue)
    #expect(try HostFile.text(rig.layout.task("slow").log)?.contains("told") == true)
    #expect(try rig.inside().isEmpty)
    try await rig.close()
  }

  @Test func `what a task leaves behind is gone before its end is written`() async throws {
    let rig = try Rig(scripts: ["job": "setsid sleep 600 &\necho $! > $HOME/child\n"])
    try rig.order("job", ["./job"])
    try rig.keep()
    try await rig.until("it has ended") { try rig.taskEnd("job") == .succeeded }
    let child = try #require(try rig.lines("child").first.flatMap { Int32($0) })
    #expect(HostProcess.read(child).map(\.isZombie) ?? true)
    #expect(try rig.cgroup.processes("task-job").isEmpty)
    try await rig.close()
  }

  /// Where a keeper dies, how often the task has run then, and how it has ended.
  private static let deaths: [(place: String, runs: Int, isLost: Bool)] = [
    ("keeper.before-task", 1, false), ("keeper.after-task-fork", 1, false),
    ("keeper.after-task-mark", 0, true), ("keeper.after-task-start", 1, true),
    ("keeper.before-task-end", 1, true), ("keeper.after-task-end", 1, false),
  ]

  @Test(arguments: deaths)
  func `killed on the way, a keeper's successor never runs a task twice`(
    place: String, runs: Int, isLost: Bool
  ) async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\n"])
    try rig.intend(0)
    try rig.order("job", ["./job"])
    let first = try rig.keep(failpoint: place)
    #expect(try await rig.stopped() == first)
    if place == "keeper.after-task-start" {
      try await rig.until("it has run") { try rig.lines("runs").count == 1 }
    }
    try await rig.killKeeper(first)
    // A child that was not let go yet has a copy of it, and ends a moment after its keeper.
    try await rig.until("the lock is free") { try !FileLock.isHeld(rig.layout.lock) }
    for _ in 0..<2 { #expect(try await rig.end(of: try rig.keep()) == 0) }
    #expect(try rig.lines("runs").count == runs)
    guard isLost else {
      #expect(try rig.taskEnd("job") == .succeeded)
      return try await rig.close()
    }
    #expect(
      try rig.taskEnd("job")
        == .lost(reason: "its keeper ended before it did: nobody knows how it ended"))
    try await rig.close()
  }

  /// Whoever orders it finds the lock held, and starts no other keeper.
  @Test func `a task that is ordered while its keeper is about to end is run by that`() async throws
  {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\n"])
    try rig.intend(0)
    let keeper = try rig.keep(failpoint: "keeper.before-unlock")
    #expect(try await rig.stopped() == keeper)
    try rig.order("job", ["./job"])
    #expect(try FileLock.isHeld(rig.layout.lock))
    try await rig.until("it has ended") {
      // It stands still each time that it is about to end.
      kill(keeper, SIGCONT)
      return try rig.taskEnd("job") == .succeeded
    }
    kill(keeper, SIGCONT)
    #expect(try rig.lines("runs").count == 1)
    try await rig.killKeeper(keeper)
    try await rig.close()
  }

  @Test func `a successor follows a task that lives, and ends it at its deadline`() async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\nexec sleep 600\n"])
    try rig.intend(0)
    try rig.order("long", ["./job"], deadlineMilliseconds: 600_000)
    try rig.order("slow", ["./job"], deadlineMilliseconds: 1500)
    let first = try rig.keep()
    try await rig.until("both run") { try rig.lines("runs").count == 2 }
    try await rig.killKeeper(first)
    let start = try #require(
      try HostFile.decode(TaskStart.self, from: rig.layout.task("long").start))
    let second = try rig.keep()
    try await rig.until("one is overdue") { try rig.taskEnd("slow") == .overdue }
    #expect(start.process.isAlive)
    #expect(try rig.taskEnd("long") == nil)
    kill(start.process.pid, SIGKILL)
    #expect(try await rig.end(of: second) == 0)
    guard case .lost? = try rig.taskEnd("long") else {
      throw Rig.Failure(description: "not lost")
    }
    #expect(try rig.lines("runs").count == 2)
    try await rig.close()
  }

  @Test func `the release is not made anew under a task that runs`() async throws {
    let rig = try Rig(
      scripts: ["job": "echo x >> $HOME/runs\nwhile [ ! -e $HOME/end ]; do sleep 0.05; done\n"])
    try rig.intend(0)
    try rig.order("long", ["./job"])
    let first = try rig.keep()
    try await rig.until("it runs") { try rig.lines("runs").count == 1 }
    try await rig.killKeeper(first)
    let release = try HostFile.status(rig.layout.release)?.st_ino
    try HostDirectory.remove(rig.layout.manifest)
    let second = try rig.keep()
    try await rig.until("the successor is at work") { try rig.status?.keeper.pid == second }
    #expect(try HostFile.status(rig.layout.release)?.st_ino == release)
    try HostFile.write([], to: "\(rig.layout.scratch)/end")
    try await rig.end(of: second)
    #expect(try rig.lines("runs").count == 1)
    try await rig.close()
  }

  @Test func `after a reboot a task that had begun is lost and not run again`() async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\n"])
    try rig.intend(0)
    try rig.order("job", ["./job"])
    let start = TaskStart(
      process: ProcessIdentity(pid: 1, startTicks: 1, bootID: "an earlier boot"), milliseconds: 1)
    try HostFile.write(try HostFile.json(start), to: rig.layout.task("job").start)
    #expect(try await rig.end(of: try rig.keep()) == 0)
    #expect(
      try rig.taskEnd("job")
        == .lost(reason: "the host was started anew: nobody knows whether it had ended"))
    #expect(try rig.lines("runs").isEmpty)
    try await rig.close()
  }

  @Test func `a mark or an order that cannot be read starts nothing`() async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\n"])
    try rig.intend(0)
    try rig.order("marked", ["./job"])
    try HostFile.write(Array("{ half".utf8), to: rig.layout.task("marked").start)
    try rig.order("damaged", ["./job"])
    try HostFile.write(Array("{ half".utf8), to: rig.layout.task("damaged").order)
    #expect(try await rig.end(of: try rig.keep()) == 0)
    guard case .lost? = try rig.taskEnd("marked"), case .failed? = try rig.taskEnd("damaged")
    else { throw Rig.Failure(description: "not ended") }
    #expect(try rig.lines("runs").isEmpty)
    try await rig.close()
  }

  @Test func `a retiring stack starts no task and ends those that run`() async throws {
    let rig = try Rig(scripts: ["job": "echo x >> $HOME/runs\nexec sleep 600\n"])
    try rig.order("long", ["./job"])
    let keeper = try rig.keep()
    try await rig.until("it runs") { try rig.lines("runs").count == 1 }
    try HostFile.write(Array("{}".utf8), to: rig.layout.retiring)
    try rig.order("late", ["./job"])
    #expect(try await rig.end(of: keeper) == 0)
    #expect(try rig.taskEnd("long") == .failed(reason: "the stack is being retired"))
    #expect(try rig.taskEnd("late") == nil && rig.lines("runs").count == 1)
    #expect(try rig.inside().isEmpty)
    try await rig.close()
  }

  @Test func `a task waits for secrets that are not there, and does not run without`()
    async throws
  {
    let rig = try Rig(
      scripts: ["job": "echo $PASSWORD >> $HOME/runs\n"],
      environment: ["PASSWORD": "${secret:file:password}"], secrets: [:])
    try rig.intend(0)
    try rig.order("job", ["./job"])
    let keeper = try rig.keep()
    try await rig.until("it waits") {
      try HostFile.text(rig.layout.keeperLog)?.contains("the secrets are not there") == true
    }
    #expect(try !HostFile.exists(rig.layout.task("job").start))
    try rig.writeSecrets(["secret:file:password": "hunter-two"])
    #expect(try await rig.end(of: keeper) == 0)
    #expect(try rig.lines("runs") == ["hunter-two"])
    try await rig.close()
  }

  @Test func `the log of a task is bounded`() async throws {
    let script = """
      for i in 1 2 3 4 5 6; do head -c 1500000 /dev/zero | tr '\\0' a; echo; sleep 1.1; done
      echo the end
      """
    let rig = try Rig(scripts: ["job": script])
    try rig.intend(0)
    try rig.order("talks", ["./job"])
    #expect(try await rig.end(of: try rig.keep()) == 0)
    let files = rig.layout.task("talks")
    let sizes = try [files.log, files.olderLog].map { try HostFile.status($0)?.st_size ?? 0 }
    #expect(sizes.reduce(0, +) < 4 << 20, "\(sizes)")
    #expect(try HostFile.text(files.log)?.hasSuffix("the end") == true)
    try await rig.close()
  }
}

extension Rig {
  /// Orders a task as the agent does.
  func order(
    _ name: String, _ command: [String], environment: [String: String] = [:],
    deadlineMilliseconds: Int = 60_000
  ) throws {
    let order = TaskOrder(
      name: name, command: command, environment: environment,
      deadlineMilliseconds: deadlineMilliseconds)
    let incoming = TaskLayout(directory: "\(layout.tasks)/.\(name)")
    try HostDirectory.make(incoming.directory)
    try HostFile.write(try HostFile.json(order), to: incoming.order)
    try HostDirectory.rename(incoming.directory, toNew: layout.task(name).directory)
  }

  func taskEnd(_ name: String) throws -> TaskEnd? {
    try HostFile.decode(TaskEnd.self, from: layout.task(name).end)
  }
}
