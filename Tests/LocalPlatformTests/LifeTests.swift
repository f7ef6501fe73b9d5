import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite struct LifeTests {
  @Test func `a launched stack answers on its endpoints with its own configuration`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(generation: 42, instances: 2))
      #expect(try await rig.platform.preflight(launch) == .room)
      let observed = try await rig.launched(launch)
      #expect(observed.capacity == Capacity(declared: 2, intended: 2, running: 2))
      #expect(observed.certificate == launch.certificate)
      #expect(observed.endpoints.map(\.instance) == [0, 1])
      for endpoint in observed.endpoints {
        #expect(endpoint.host == "127.0.0.1")
        #expect(rig.settings.ports.contains(endpoint.port))
        try await until("\(endpoint) answers") { get(endpoint.port) == "hello from 42" }
      }
    }
  }

  @Test func `asking again for a complete stack changes and starts nothing`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let before = try rig.processes()
      let inode = try HostFile.status(rig.layout(launch.certificate).plan)?.st_ino
      let clock = ContinuousClock()
      var quickest = Duration.seconds(60)
      for _ in 0..<50 {
        quickest = min(quickest, try await clock.measure { try await rig.platform.ensure(launch) })
      }
      // Measured: about a millisecond, when nothing else runs.
      #expect(quickest < .milliseconds(50))
      #expect(try rig.processes() == before)
      #expect(try HostFile.status(rig.layout(launch.certificate).plan)?.st_ino == inode)
    }
  }

  @Test func `a killed instance comes back and the restart is counted`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let first = try rig.process(launch.certificate, 0)
      kill(first.pid, SIGKILL)
      var observed: StackObservation?
      try await until("it runs again") {
        observed = try await rig.observation(launch.certificate)
        return observed?.restarts == 1 && observed?.capacity.running == 1
      }
      #expect(try rig.process(launch.certificate, 0) != first)
      #expect(observed?.phase == .complete)
      #expect(observed?.lastExit?.hasPrefix("instance 0: ") == true)
    }
  }

  @Test func `a crash loop fails the stack by its own fault and says how it ends`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(command: ["/bin/sh", "-c", "exit 7"]))
      try await until("it has failed") {
        try await rig.platform.ensure(launch)
        guard
          case .failed(.stack, let reason)? = try await rig.observation(launch.certificate)?
            .phase
        else { return false }
        return reason.contains("7")
      }
    }
  }

  @Test func `a command that does not exist fails the stack`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(command: ["/no/such/program"]))
      try await until("it has failed") {
        try await rig.platform.ensure(launch)
        guard case .failed(.stack, _)? = try await rig.observation(launch.certificate)?.phase
        else { return false }
        return true
      }
    }
  }

  @Test func `an artifact with another digest fails the stack`() async throws {
    try await Rig.with { rig in
      var launch = try rig.launch()
      launch.artifacts = launch.artifacts.mapValues {
        ArtifactFile(path: $0.path, sha256: Digest.of("something else"))
      }
      try await until("it has failed") {
        try await rig.platform.ensure(launch)
        guard case .failed(_, _)? = try await rig.observation(launch.certificate)?.phase
        else { return false }
        return true
      }
    }
  }

  @Test func `a parked stack runs nothing and comes back on the same ports`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(instances: 2))
      let before = try await rig.launched(launch).endpoints
      try await rig.platform.setInstances(0, of: launch.certificate)
      try await until("it is parked") {
        let observed = try await rig.observation(launch.certificate)
        return observed?.capacity == Capacity(declared: 2, intended: 0, running: 0)
          && observed?.phase == .complete && observed?.endpoints == []
      }
      #expect(get(before[0].port) == nil)
      try await until("it runs again") {
        try await rig.platform.setInstances(2, of: launch.certificate)
        let observed = try await rig.observation(launch.certificate)
        return observed?.capacity.running == 2 && observed?.endpoints == before
      }
      try await until("it answers") { get(before[1].port) == "hello from 1" }
      #expect(try await rig.observation(launch.certificate)?.restarts == 0)
    }
  }

  @Test func `more instances than declared are refused`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      await #expect(throws: PlatformError.self) {
        try await rig.platform.setInstances(2, of: launch.certificate)
      }
    }
  }

  @Test func `a worker gets no port and has no endpoint`() async throws {
    try await Rig.with(ports: 1...1) { rig in
      let launch = try rig.launch(
        StackSketch(traffic: .none, command: ["/bin/sleep", "1000"]))
      #expect(try await rig.launched(launch).endpoints == [])
    }
  }

  @Test func `a dead keeper is seen and its successor adopts what runs`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let process = try rig.process(launch.certificate, 0)
      try await rig.killKeeper(launch.certificate)
      let observed = try #require(try await rig.observation(launch.certificate))
      #expect(observed.phase == .launching("keeper is not running"))
      #expect(observed.capacity.running == 1)
      #expect(process.isAlive)
      try await rig.launched(launch)
      #expect(process.isAlive)
      #expect(try rig.process(launch.certificate, 0) == process)
      // The keeper and the instance: nothing was started twice.
      try await until("two processes") { try rig.processes().count == 2 }
    }
  }

  @Test func `setting instances brings a dead keeper back`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      try await rig.killKeeper(launch.certificate)
      try await rig.platform.setInstances(0, of: launch.certificate)
      try await until("it is parked") {
        try await rig.observation(launch.certificate)?.capacity.running == 0
      }
    }
  }

  @Test func `two agents that race launch one keeper and one set of instances`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(instances: 2))
      let other = LocalPlatform(
        name: "local", settings: rig.settings, key: rig.key, owner: rig.owner)
      for platform in [rig.platform, other, rig.platform, other] {
        async let first: Void = Self.attempt(platform, launch)
        async let second: Void = Self.attempt(other, launch)
        _ = await (first, second)
      }
      try await rig.launched(launch)
      try await until("one keeper and two instances") { try rig.processes().count == 3 }
      let plan = try #require(
        try HostFile.decode(KeeperPlan.self, from: rig.layout(launch.certificate).plan))
      #expect(Set(plan.ports).count == 2)
    }
  }

  /// The loser of a race is told so; the next pass asks again.
  private static func attempt(_ platform: LocalPlatform, _ launch: StackLaunch) async {
    do throws(PlatformError) {
      try await platform.ensure(launch)
    } catch {
      if case .rejected = error { Issue.record("refused: \(error)") }
    }
  }

  @Test func `two stacks of one target never share a port, parked or not`() async throws {
    try await Rig.with(ports: 29_900...29_903) { rig in
      let first = try rig.launch(StackSketch(instances: 2))
      try await rig.launched(first)
      try await rig.platform.setInstances(0, of: first.certificate)
      try await until("it is parked") { try rig.processes().isEmpty }
      let second = try rig.launch(StackSketch(generation: 2, instances: 2))
      let endpoints = try await rig.launched(second).endpoints
      let third = try rig.launch(StackSketch(generation: 3))
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(third) }
      try await until("both run") {
        try await rig.platform.setInstances(2, of: first.certificate)
        let live = try await rig.platform.observe().stacks
        return Set(live.flatMap(\.endpoints).map(\.port)).count == 4
      }
      #expect(Set(endpoints.map(\.port)).count == 2)
    }
  }

  @Test func `after a reboot the same release starts again on the same ports`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(StackSketch(instances: 2))
      let before = try await rig.launched(launch).endpoints
      let release = try HostFile.status(rig.layout(launch.certificate).release)?.st_ino
      // A reboot ends everything, and what was recorded is of another boot.
      try StackCgroup(path: "viridian/\(rig.owner)").kill()
      try await until("everything has ended") { try rig.processes().isEmpty }
      var status = try #require(try rig.status(launch.certificate))
      status.keeper.bootID = "another"
      for index in status.instances.indices {
        status.instances[index].process?.bootID = "another"
      }
      try HostFile.write(
        try HostFile.json(status), to: rig.layout(launch.certificate).status)
      let observed = try #require(try await rig.observation(launch.certificate))
      #expect(observed.phase == .launching("starting again after a reboot"))
      #expect(observed.capacity.running == 0)
      #expect(observed.endpoints == [])
      let after = try await rig.launched(launch)
      #expect(after.endpoints == before)
      #expect(after.restarts == 0)
      #expect(try HostFile.status(rig.layout(launch.certificate).release)?.st_ino == release)
    }
  }

  @Test func `logs are the newest lines of every instance`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          instances: 2,
          command: ["/bin/sh", "-c", "for i in 1 2 3; do echo line $i; done; exec sleep 1000"]))
      try await rig.launched(launch)
      try await until("all lines are there") {
        try await rig.platform.logs(launch.certificate, lines: 100).count == 6
      }
      let lines = try await rig.platform.logs(launch.certificate, lines: 4)
      #expect(lines.map(\.instance) == [0, 0, 1, 1])
      #expect(lines.map(\.text) == ["line 2", "line 3", "line 2", "line 3"])
    }
  }

  @Test func `a shortage of memory, pids or ports is told before a launch`() async throws {
    try await Rig.with(ports: 29_990...29_990) { rig in
      #expect(try await rig.shortage(StackSketch()) == "none")
      let ports = try await rig.shortage(StackSketch(instances: 2))
      #expect(ports.hasPrefix("ports: 2 needed"))
      let memory = try await rig.shortage(
        StackSketch(limits: ["memoryBytes": .integer(1 << 50)]))
      #expect(memory.hasPrefix("memory: 1073741824 MiB needed"))
      let pids = try await rig.shortage(StackSketch(limits: ["pids": .integer(1 << 30)]))
      #expect(pids.hasPrefix("pids: 1073741824 needed"))
    }
  }
}

extension Rig {
  fileprivate func shortage(_ sketch: StackSketch) async throws -> String {
    switch try await platform.preflight(try launch(sketch)) {
    case .room: "none"
    case .shortage(let text): text
    }
  }
}
