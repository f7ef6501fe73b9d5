import Glibc
import KeeperKit
import Testing

@Suite struct LifeTests {
  @Test func `every instance gets its own number, port and directory, and only that`()
    async throws
  {
    let rig = try Rig(
      ["./show", "--port=${port}"],
      scripts: [
        "show": "env > $HOME/env-$VIRIDIAN_INSTANCE\necho $1 $PWD >> $HOME/starts\nexec sleep 600\n"
      ], ports: [47_311, 47_312], environment: ["LISTEN": "127.0.0.1:${port}"])
    try rig.keep()
    try await rig.untilRunning(2)
    #expect(
      try rig.lines("starts").sorted() == [
        "--port=47311 \(rig.layout.release)", "--port=47312 \(rig.layout.release)",
      ])
    let expected = [
      "HOME=\(rig.layout.scratch)", "LISTEN=127.0.0.1:47312",
      "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=\(rig.layout.release)",
      "TMPDIR=\(rig.layout.scratch)", "VIRIDIAN_INSTANCE=1", "VIRIDIAN_PORT=47312",
      "VIRIDIAN_STACK=web-test-v001", "VIRIDIAN_VERSION=1.10",
    ]
    #expect(try rig.lines("env-1").sorted() == expected)
    for number in 0..<2 { #expect(try rig.inside(number) == [rig.living()[number]]) }
    try await rig.close()
  }

  @Test func `a killed instance comes back and its exit is recorded`() async throws {
    let rig = try Rig(instances: 2)
    try rig.keep()
    try await rig.untilRunning(2)
    let before = try rig.living()
    kill(before[1], SIGKILL)
    try await rig.until("instance 1 is another process") {
      let now = try rig.living()
      return now.count == 2 && now[1] != before[1]
    }
    #expect(try rig.living()[0] == before[0])
    let instance = try rig.instance(1)
    #expect(instance.lastExit == "signal 9" && instance.restarts.total == 1)
    #expect(!instance.restarts.isCrashLooping)
    try await rig.close()
  }

  @Test func `the sixth exit marks a crash loop, and the tries become rare`() async throws {
    let rig = try Rig(
      ["./fail"], scripts: ["fail": "echo x >> $HOME/starts\nexit 3\n"])
    try rig.keep()
    try await rig.until("the crash loop is marked") {
      try rig.instance(0).restarts.isCrashLooping
    }
    #expect(try rig.instance(0).lastExit == "exit status 3")
    #expect(try rig.instance(0).restarts.total == 6)
    // Longer than all usual delays together: whoever had gone on would show it.
    try await Task.sleep(for: .milliseconds(300))
    #expect(try rig.lines("starts").count == 6)
    try await rig.close()
  }

  @Test func `a crash loop is forgotten after a quiet time`() async throws {
    let restart = RestartPolicy(
      firstDelayMilliseconds: 5, longestDelayMilliseconds: 5, windowMilliseconds: 1500,
      loopingDelayMilliseconds: 100)
    let script = "[ -e $HOME/healthy ] || exit 1\necho x >> $HOME/starts\nexec sleep 600\n"
    let rig = try Rig(["./fail"], scripts: ["fail": script], restart: restart)
    try rig.keep()
    try await rig.until("the crash loop is marked") {
      try rig.instance(0).restarts.isCrashLooping
    }
    try HostFile.write([], to: "\(rig.layout.scratch)/healthy")
    try await rig.untilRunning()
    try await rig.until("it is forgotten") { try !rig.instance(0).restarts.isCrashLooping }
    try await rig.close()
  }

  @Test func `a command that is not there is said at once`() async throws {
    let rig = try Rig(["./missing"])
    try rig.keep()
    try await rig.until("the fault is marked") { try rig.instance(0).restarts.isCrashLooping }
    #expect(try rig.instance(0).lastExit?.contains("./missing: No such file") == true)
    #expect(try rig.instance(0).process == nil)
    try await rig.close()
  }

  @Test func `a working directory that the release does not have is named`() async throws {
    let rig = try Rig()
    var plan = rig.plan
    plan.workingDirectory = "elsewhere"
    try HostFile.write(try HostFile.json(plan), to: rig.layout.plan)
    try rig.keep()
    try await rig.until("the fault is marked") { try rig.instance(0).restarts.isCrashLooping }
    let said = try rig.instance(0).lastExit ?? ""
    #expect(
      said.contains("working directory \(rig.layout.release)/elsewhere: No such file"), "\(said)")
    try await rig.close()
  }

  @Test func `what an instance leaves behind is gone before its successor starts`()
    async throws
  {
    let script =
      "setsid sleep 600 &\necho $! >> $HOME/children\necho s >> $HOME/starts\nexec sleep 600\n"
    let rig = try Rig(["./parent"], scripts: ["parent": script])
    try rig.keep()
    try await rig.untilRunning()
    let before = try rig.inside(0)
    #expect(before.count == 2)
    kill(try rig.living()[0], SIGKILL)
    try await rig.until("it runs again") {
      try rig.lines("starts").count == 2 && rig.inside(0).count == 2
    }
    #expect(try Set(before).isDisjoint(with: rig.inside(0)))
    try await rig.close()
  }

  @Test func `a taken port is waited for and is no exit of the instance`() async throws {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(number, $0, length)
        listen(number, 1)
        getsockname(number, $0, &length)
      }
    }
    let rig = try Rig(ports: [Int(UInt16(bigEndian: address.sin_port))])
    try rig.keep()
    try await rig.until("the keeper waits") {
      guard case .waiting(let reason)? = try rig.status?.phase else { return false }
      return reason.contains("is taken by somebody else")
    }
    #expect(try rig.instance(0).restarts.total == 0)
    shutdown(number, Int32(SHUT_RDWR))
    close(number)
    try await rig.untilRunning()
    try await rig.close()
  }
}
