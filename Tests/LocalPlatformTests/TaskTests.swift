import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite struct TaskTests {
  @Test func `a stack launched with no instance is complete, runs a task, and then all instances`()
    async throws
  {
    try await Rig.with { rig in
      var launch = try rig.launch(StackSketch(instances: 2))
      launch.instances = 0
      let observed = try await rig.launched(launch)
      #expect(observed.capacity == Capacity(declared: 2, intended: 0, running: 0))
      #expect(observed.endpoints == [] && observed.tasks == nil)
      #expect(try HostFile.exists("\(rig.layout(launch.certificate).release)/server.py"))
      let task = StackTask(
        name: "before-migrate", command: ["/bin/sh", "-c", "echo $MODE; cat settings.json"],
        environment: ["MODE": "generation ${generation}"], deadline: .seconds(30))
      let ended = try await rig.ended(task, of: launch.certificate)
      #expect(
        ended
          == TaskObservation(
            name: "before-migrate", state: .succeeded, output: "generation 1\n{}\n"))
      #expect(try await rig.observation(launch.certificate)?.phase == .complete)
      try await until("all instances run") {
        try await rig.platform.setInstances(2, of: launch.certificate)
        return try await rig.observation(launch.certificate)?.capacity.running == 2
      }
    }
  }

  @Test func `however often and by however many it is asked for, a task runs once`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let task = StackTask(
        name: "count", command: ["/bin/sh", "-c", "echo x >> $HOME/runs; sleep 0.3"],
        deadline: .seconds(30))
      let other = LocalPlatform(
        name: "local", settings: rig.settings, key: rig.key, owner: rig.owner)
      for platform in [rig.platform, other, rig.platform] {
        async let first: Void = Self.attempt(task, platform, launch.certificate)
        async let second: Void = Self.attempt(task, other, launch.certificate)
        _ = await (first, second)
      }
      #expect(try await rig.ended(task, of: launch.certificate).state == .succeeded)
      for _ in 0..<3 { try await rig.platform.run(task, of: launch.certificate) }
      #expect(
        try HostFile.text("\(rig.layout(launch.certificate).scratch)/runs")?.count == 1)
      #expect(try await rig.observation(launch.certificate)?.tasks?.count == 1)
    }
  }

  /// The loser of a race is told so; the next pass asks again.
  private static func attempt(
    _ task: StackTask, _ platform: LocalPlatform, _ certificate: BirthCertificate
  ) async {
    do throws(PlatformError) {
      try await platform.run(task, of: certificate)
    } catch {
      if case .rejected = error { Issue.record("refused: \(error)") }
    }
  }

  @Test func `a failure says why, with the end of what was written and none of its secrets`()
    async throws
  {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          environment: ["PASSWORD": "${secret:file:password}"],
          secrets: ["password": "correct-horse"]))
      try await rig.launched(launch)
      let script = "for i in $(seq 1 2000); do echo line $i; done; echo got $PASSWORD; exit 3"
      let failed = try await rig.ended(
        StackTask(name: "fails", command: ["/bin/sh", "-c", script], deadline: .seconds(30)),
        of: launch.certificate)
      #expect(failed.state == .failed(reason: "exit status 3"))
      #expect(failed.output.hasSuffix("line 2000\ngot ${secret:file:password}\n"))
      #expect((4000...4096).contains(failed.output.utf8.count))
      let slow = try await rig.ended(
        StackTask(name: "slow", command: ["/bin/sleep", "600"], deadline: .milliseconds(300)),
        of: launch.certificate)
      #expect(slow.state == .failed(reason: "ended after its deadline of 300ms"))
      #expect(
        try await rig.observation(launch.certificate)?.tasks?.map(\.name) == ["fails", "slow"])
    }
  }

  @Test func `what killed agents left of an order is taken up again`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let layout = rig.layout(launch.certificate)
      let order = TaskOrder(
        name: "ordered", command: ["/bin/true"], environment: [:], deadlineMilliseconds: 30_000)
      // Killed between the order and its rename, and between the rename and the keeper.
      try HostDirectory.make("\(layout.tasks)/.half-7")
      try HostFile.write(try HostFile.json(order), to: "\(layout.tasks)/.half-7/order.json")
      try await rig.killKeeper(launch.certificate)
      try HostDirectory.make(layout.task("ordered").directory)
      try HostFile.write(try HostFile.json(order), to: layout.task("ordered").order)
      #expect(
        try await rig.observation(launch.certificate)?.tasks
          == [TaskObservation(name: "ordered", state: .running)])
      for name in ["half", "ordered"] {
        let task = StackTask(name: name, command: ["/bin/true"], deadline: .seconds(30))
        #expect(try await rig.ended(task, of: launch.certificate).state == .succeeded)
      }
    }
  }

  @Test func `secrets that a reboot has lost are asked for before a task runs`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch(
        StackSketch(
          environment: ["PASSWORD": "${secret:file:password}"],
          secrets: ["password": "correct-horse"]))
      launch.instances = 0
      try await rig.launched(launch)
      try HostDirectory.remove(try rig.secretFile(launch.certificate))
      #expect(try await rig.observation(launch.certificate)?.phase == .complete)
      let task = StackTask(
        name: "job", command: ["/bin/sh", "-c", "echo ${#PASSWORD}"], deadline: .seconds(30))
      try await rig.platform.run(task, of: launch.certificate)
      #expect(
        try await rig.observation(launch.certificate)?.phase
          == .launching("the secrets are not there"))
      try await rig.launched(launch)
      #expect(try await rig.ended(task, of: launch.certificate).output == "13\n")
    }
  }

  /// Nobody may start a keeper for a stack that is not wanted any more, and its jobs must not be waited for.
  @Test func `what an earlier boot began is lost, whether a keeper says so or not`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch()
      launch.instances = 0
      try await rig.launched(launch)
      let task = StackTask(name: "a", command: ["/bin/true"], deadline: .seconds(600))
      _ = try await rig.ended(task, of: launch.certificate)
      let files = rig.layout(launch.certificate).task("a")
      var start = try #require(try HostFile.decode(TaskStart.self, from: files.start))
      start.process.bootID = "another"
      try HostFile.write(try HostFile.json(start), to: files.start)
      #expect(unlink(files.end) == 0)
      let seen = try #require(try await rig.observation(launch.certificate))
      #expect(seen.phase == .complete)
      #expect(seen.tasks?.map(\.state) == [.lost(reason: "the host was restarted while it ran")])
    }
  }

  @Test func `a task is no drift, and a stranger beside it still is`() async throws {
    try await Rig.with { rig in
      let certificate = try await rig.completeStack()
      let before = try await rig.settledInspection(certificate)
      let task = StackTask(
        name: "job",
        command: ["/usr/bin/env", "-i", "/bin/sh", "-c", "setsid sleep 600 & exec sleep 600"],
        deadline: .seconds(600))
      try await rig.platform.run(task, of: certificate)
      let leaf = StackCgroup(path: try rig.cgroup(certificate))
      try await until("it runs") { try leaf.processes("task-job").count == 2 }
      #expect(try await rig.settledInspection(certificate) == before)
      // Also when it is its keeper's child no more.
      try await rig.killKeeper(certificate)
      try await until("another keeper is there") {
        try await rig.platform.ensure(try rig.launch(.complete()))
        return try FileLock.isHeld(rig.layout(certificate).lock)
          && rig.status(certificate)?.keeper.isAlive == true
      }
      let foreign = FieldPath("stack", "/processes/foreign")
      try await until("the task is no stranger") {
        try await rig.platform.inspect(certificate).readings[foreign] == .value("none")
      }
      let join = "\(try #require(leaf.host.unified))/\(leaf.path)/task-job/cgroup.procs"
      let stranger = try SpawnRequest(
        path: "/bin/sleep", arguments: ["sleep", "600"], environment: [:], directory: "/",
        output: Descriptor(open: "/dev/null", O_WRONLY)
      ).fork()
      try stranger.release()
      try #require(try write(stranger.pid, to: join))
      try await until("the stranger is found") {
        try await rig.platform.inspect(certificate).readings[foreign]
          == .value("sleep (pid \(stranger.pid))")
      }
      kill(stranger.pid, SIGKILL)
      waitpid(stranger.pid, nil, 0)
    }
  }

  private func write(_ pid: Int32, to path: String) throws -> Bool {
    let file = try Descriptor(open: path, O_WRONLY)
    let text = Array("\(pid)".utf8)
    return Glibc.write(file.number, text, text.count) == text.count
  }

  @Test func `a stack with a running task is retired, and nothing of it stays`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch()
      launch.instances = 0
      try await rig.launched(launch)
      let task = StackTask(
        name: "deaf", command: ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
        deadline: .seconds(600))
      let leaf = StackCgroup(path: try rig.cgroup(launch.certificate))
      try await until("it runs") {
        // The launch's keeper may be about to end without having seen the order.
        try await rig.platform.run(task, of: launch.certificate)
        return try !leaf.processes("task-deaf").isEmpty
      }
      try await rig.killKeeper(launch.certificate)
      await #expect(throws: PlatformError.self) {
        try await rig.platform.retire(launch.certificate)
      }
      await #expect(throws: PlatformError.self) {
        try await rig.platform.run(task, of: launch.certificate)
      }
      try await rig.retired(launch.certificate)
      #expect(try rig.processes().isEmpty && HostDirectory.list(rig.stacks).isEmpty)
      let host = CgroupHost.current
      for mount in Set([host.unified].compactMap { $0 } + host.v1.values) {
        #expect(try HostDirectory.list("\(mount)/viridian/\(rig.owner)").isEmpty)
      }
    }
  }

  @Test func `what cannot be a task, or is another one, is refused`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch()
      launch.instances = 0
      try await rig.launched(launch)
      func refused(_ task: StackTask, _ part: String) async throws {
        let error = await #expect(throws: PlatformError.self) {
          try await rig.platform.run(task, of: launch.certificate)
        }
        guard case .rejected(_, let text)? = error else {
          throw TestFailure(text: "\(task.name): \(String(describing: error))")
        }
        #expect(text.contains(part), "\(text)")
      }
      let long = String(repeating: "a", count: 64)
      for name in ["", ".", "..", "../x", "a/b", "A", "a b", "a\n", "ä", long] {
        try await refused(
          StackTask(name: name, command: ["/bin/true"], deadline: .seconds(1)), "no name")
      }
      try await refused(StackTask(name: "a", command: [], deadline: .seconds(1)), "no command")
      try await refused(
        StackTask(name: "a", command: ["${secret:file:x}"], deadline: .seconds(1)), "secret")
      try await refused(
        StackTask(name: "a", command: ["/bin/true"], deadline: .zero), "no time")
      try await refused(
        StackTask(name: "a", command: ["/bin/true\0"], deadline: .seconds(1)), "NUL")
      let task = StackTask(name: "a", command: ["/bin/true"], deadline: .seconds(1))
      _ = try await rig.ended(task, of: launch.certificate)
      try await refused(
        StackTask(name: "a", command: ["/bin/false"], deadline: .seconds(1)), "another task")
      for number in 1..<TaskOrder.mostPerStack {
        let files = rig.layout(launch.certificate).task("t-\(number)")
        try HostDirectory.make(files.directory)
        try HostFile.write(try HostFile.json(TaskEnd.succeeded), to: files.end, isDurable: false)
      }
      try await refused(
        StackTask(name: "b", command: ["/bin/true"], deadline: .seconds(1)), "more than 200")
    }
  }
}

extension Rig {
  /// Asks as the agent does, on every pass, until it is observed to have ended.
  func ended(
    _ task: StackTask, of certificate: BirthCertificate
  ) async throws -> TaskObservation {
    var last: TaskObservation?
    try await until("task \(task.name) has ended") {
      try await self.platform.run(task, of: certificate)
      last = try await self.observation(certificate)?.tasks?.first { $0.name == task.name }
      return last.map { $0.state != .running } ?? false
    }
    return try #require(last)
  }
}
