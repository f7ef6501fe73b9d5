import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite struct RetireTests {
  @Test func `a retired stack leaves no process, cgroup, secret or directory`() async throws {
    try await Rig.with { rig in
      // Deaf to SIGTERM, so that it lives to be seen retiring until its drain deadline.
      let launch = try rig.launch(
        StackSketch(
          instances: 2,
          command: ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
          secrets: ["password": "hunter-two"], drainDeadline: .seconds(1)))
      try await rig.launched(launch)
      #expect(try HostDirectory.list(rig.secretsDirectory).count == 1)
      await #expect(throws: PlatformError.self) {
        try await rig.platform.retire(launch.certificate)
      }
      #expect(try await rig.observation(launch.certificate)?.phase == .retiring)
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(launch) }
      try await rig.retired(launch.certificate)
      #expect(try rig.processes().isEmpty)
      #expect(try HostDirectory.list(rig.stacks).isEmpty)
      #expect(try HostDirectory.list(rig.secretsDirectory).isEmpty)
      let host = CgroupHost.current
      for mount in Set([host.unified].compactMap { $0 } + host.v1.values) {
        #expect(try HostDirectory.list("\(mount)/viridian/\(rig.owner)").isEmpty)
      }
      // Asked once more, there is nothing to do.
      try await rig.platform.retire(launch.certificate)
    }
  }

  @Test func `a stack whose keeper is dead is stopped by another one`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      try await rig.killKeeper(launch.certificate)
      try await rig.retired(launch.certificate)
      #expect(try rig.processes().isEmpty)
      #expect(try HostDirectory.list(rig.stacks).isEmpty)
    }
  }

  @Test func `a stack that was parked or never planned is removed as well`() async throws {
    try await Rig.with { rig in
      let parked = try rig.launch()
      try await rig.launched(parked)
      try await rig.platform.setInstances(0, of: parked.certificate)
      try await rig.retired(parked.certificate)
      let unplanned = try rig.launch(StackSketch(generation: 2), handsOverInputs: false)
      await #expect(throws: PlatformError.self) { try await rig.platform.ensure(unplanned) }
      #expect(
        try await rig.observation(unplanned.certificate)?.phase
          == .launching("preparing the launch"))
      try await rig.retired(unplanned.certificate)
      #expect(try HostDirectory.list(rig.stacks).isEmpty)
    }
  }

  @Test func `what killed agents left half made or half removed goes with the next stack`()
    async throws
  {
    try await Rig.with { rig in
      try HostDirectory.make("\(rig.stacks)/.trash-web-production-v007-abc/x")
      try HostDirectory.make("\(rig.stacks)/.incoming-web-production-v008-1/x")
      var longAgo = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
      utimensat(AT_FDCWD, "\(rig.stacks)/.incoming-web-production-v008-1", &longAgo, 0)
      try HostDirectory.make("\(rig.stacks)/.incoming-web-production-v009-1/x")
      #expect(try await rig.platform.observe() == LiveState())
      try await rig.launched(try rig.launch())
      // Somebody may still be at work on the one just made.
      #expect(
        try HostDirectory.list(rig.stacks) == [
          ".incoming-web-production-v009-1", "web-production-v001",
        ])
    }
  }

  @Test func `only the launch that is meant is retired`() async throws {
    try await Rig.with { rig in
      let launch = try rig.launch()
      try await rig.launched(launch)
      let other = try rig.launch(StackSketch(launch: "launch-2")).certificate
      await #expect(throws: PlatformError.self) { try await rig.platform.retire(other) }
      #expect(try await rig.observation(launch.certificate)?.phase == .complete)
    }
  }
}
