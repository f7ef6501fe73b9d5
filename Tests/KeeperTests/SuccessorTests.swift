import Glibc
import KeeperKit
import Testing

@Suite struct SuccessorTests {
  @Test func `a successor takes over what runs and starts nothing twice`() async throws {
    let rig = try Rig(instances: 2)
    let first = try rig.keep()
    try await rig.untilRunning(2)
    let before = try rig.living()
    try await rig.killKeeper(first)
    #expect(try rig.inside().sorted() == before.sorted())
    let second = try rig.keep()
    try await rig.untilRunning(2, keeper: second)
    #expect(try rig.living() == before)
    kill(before[0], SIGKILL)
    try await rig.until("the adopted instance comes back") {
      try rig.living().count == 2 && rig.lines("starts").count == 3
    }
    #expect(try rig.living(1) == before[1] && rig.inside().count == 2)
    try await rig.close()
  }

  @Test func `of many keepers at once one works`() async throws {
    let rig = try Rig(instances: 2)
    var keepers: [Int32] = []
    for _ in 0..<6 { keepers.append(try rig.keep()) }
    var ended: Set<Int32> = []
    try await rig.until("five have ended") {
      for keeper in keepers where !ended.contains(keeper) {
        // Looked at without reaping, which closing does.
        if HostProcess.read(keeper)?.isZombie ?? true { ended.insert(keeper) }
      }
      return ended.count == 5
    }
    try await rig.untilRunning(2)
    #expect(try rig.lines("starts").count == 2 && rig.inside().count == 2)
    try await rig.close()
  }

  @Test(arguments: [
    "keeper.before-lock", "keeper.after-lock", "keeper.before-unpack", "unpack.after-verify",
    "unpack.after-entry", "unpack.after-manifest", "keeper.after-unpack", "keeper.after-release",
    "keeper.after-manifest", "keeper.before-start", "keeper.after-fork", "keeper.after-record",
    "keeper.after-start",
  ])
  func `a keeper killed on the way is continued by the next`(_ place: String) async throws {
    let rig = try Rig(instances: 2)
    let first = try rig.keep(failpoint: place)
    let stopped = try await rig.stopped()
    try await rig.killKeeper(first)
    try await rig.until("the child dies with it") {
      HostProcess.read(stopped).map(\.isZombie) ?? true
    }
    // A child that was not let go yet has a copy of it, and ends a moment after its keeper.
    try await rig.until("the lock is free") { try !FileLock.isHeld(rig.layout.lock) }
    let second = try rig.keep()
    try await rig.untilRunning(2, keeper: second)
    #expect(try rig.inside().count == 2 && rig.lines("starts").count == 2)
    #expect(
      try HostDirectory.list(rig.layout.directory)
        .filter { $0.hasPrefix(StackLayout.incomingPrefix) }.isEmpty)
    #expect(try HostDirectory.list(rig.layout.release) == ["serve"])
    try await rig.close()
  }

  @Test(arguments: ["keeper.before-stop", "keeper.after-stop"])
  func `a keeper killed while it stops an instance counts no crash`(_ place: String) async throws {
    let rig = try Rig()
    let first = try rig.keep(failpoint: place)
    try await rig.untilRunning()
    try rig.intend(0)
    _ = try await rig.stopped()
    try await rig.killKeeper(first)
    let second = try rig.keep()
    #expect(try await rig.end(of: second) == 0)
    #expect(try rig.inside().isEmpty && rig.instance(0).restarts.total == 0)
    try await rig.close()
  }

  @Test func `an unpacking child that is killed is started again`() async throws {
    let rig = try Rig()
    let keeper = try rig.keep(failpoint: "unpack.after-entry")
    let child = try await rig.stopped()
    #expect(child != keeper)
    #expect(unlink("\(rig.root)/reached") == 0)
    kill(child, SIGKILL)
    let next = try await rig.stopped()
    #expect(next != child && next != keeper)
    #expect(try rig.status?.phase == .waiting(reason: "unpacking ended with 137"))
    try await rig.close()
  }

  @Test func `a lost record is found again in the cgroup`() async throws {
    let rig = try Rig(instances: 2)
    let first = try rig.keep()
    try await rig.untilRunning(2)
    let before = try rig.living()
    try await rig.killKeeper(first)
    try HostFile.write(Array("{ half a rec".utf8), to: rig.layout.status)
    let second = try rig.keep()
    try await rig.until("the successor has written") {
      guard let text = try HostFile.text(rig.layout.status) else { return false }
      return text.hasSuffix("}")
    }
    try await rig.untilRunning(2, keeper: second)
    #expect(try rig.living() == before && rig.lines("starts").count == 2)
    try await rig.close()
  }

  @Test func `an instance that ended without a keeper comes back`() async throws {
    let rig = try Rig()
    let first = try rig.keep()
    try await rig.untilRunning()
    let before = try rig.living(0)
    try await rig.killKeeper(first)
    kill(before, SIGKILL)
    try await rig.until("it has ended") { try rig.living().isEmpty }
    let second = try rig.keep()
    try await rig.untilRunning(keeper: second)
    #expect(try rig.instance(0).restarts.total == 1 && rig.lines("starts").count == 2)
    try await rig.close()
  }

  @Test func `a pid that was used again is nobody of ours`() async throws {
    let rig = try Rig()
    let first = try rig.keep()
    try await rig.untilRunning()
    try await rig.killKeeper(first)
    let output = try Descriptor(open: "/dev/null", O_WRONLY)
    let stranger = try SpawnRequest(
      path: "/bin/sleep", arguments: ["sleep", "600"], environment: [:], directory: "/",
      output: output
    ).fork()
    try stranger.release()
    var status = try #require(try rig.status)
    status.instances[0].process?.pid = stranger.pid
    try HostFile.write(try HostFile.json(status), to: rig.layout.status)
    try rig.keep()
    try await rig.until("the keeper has noted the end") {
      try rig.instance(0).restarts.total == 1 && rig.living().count == 1
    }
    #expect(waitpid(stranger.pid, nil, WNOHANG) == 0, "the stranger lives")
    #expect(try rig.inside().count == 1)
    kill(stranger.pid, SIGKILL)
    waitpid(stranger.pid, nil, 0)
    try await rig.close()
  }

  @Test func `a reboot counts no crash and starts everything`() async throws {
    let rig = try Rig()
    let first = try rig.keep()
    try await rig.untilRunning()
    try rig.intend(0)
    try await rig.end(of: first)
    var status = try #require(try rig.status)
    status.keeper.bootID = "an earlier boot"
    status.instances[0].process = ProcessIdentity(pid: 1, startTicks: 1, bootID: "an earlier boot")
    status.instances[0].restarts.isCrashLooping = true
    try HostFile.write(try HostFile.json(status), to: rig.layout.status)
    try rig.intend(1)
    let second = try rig.keep()
    try await rig.untilRunning(keeper: second)
    #expect(try rig.instance(0).restarts == RestartHistory())
    try await rig.close()
  }

  @Test func `a keeper whose lock was removed makes way`() async throws {
    let rig = try Rig()
    let first = try rig.keep()
    try await rig.untilRunning()
    let before = try rig.living()
    unlink(rig.layout.lock)
    #expect(try await rig.end(of: first) == 0)
    #expect(try rig.living() == before)
    try await rig.close()
  }
}
