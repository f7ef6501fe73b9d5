import Glibc
import KeeperKit
import Support
import Testing

@Suite struct StopTests {
  /// Ends a quarter of a second after it is told to.
  private static let drains = """
    echo s >> $HOME/starts
    trap 'sleep 0.25; echo drained >> $HOME/drained; exit 0' TERM
    while :; do sleep 0.05; done
    """
  private static let ignores = """
    trap '' TERM
    echo s >> $HOME/starts
    while :; do sleep 0.05; done
    """

  @Test func `a parked stack drains, and that is no restart`() async throws {
    let rig = try Rig(["./drains"], scripts: ["drains": Self.drains], instances: 2)
    let keeper = try rig.keep()
    try await rig.untilRunning(2)
    try rig.intend(0)
    #expect(try await rig.end(of: keeper) == 0)
    #expect(try rig.lines("drained").count == 2)
    #expect(try rig.inside().isEmpty)
    for number in 0..<2 {
      #expect(try rig.instance(number).restarts.total == 0)
      #expect(try rig.instance(number).process == nil)
    }
    try await rig.close()
  }

  @Test func `a program that ignores SIGTERM is killed at the drain deadline`() async throws {
    let rig = try Rig(
      ["./ignores"], scripts: ["ignores": Self.ignores], drainMilliseconds: 700)
    let keeper = try rig.keep()
    try await rig.untilRunning()
    let begin = Host.millisecondsSinceBoot
    try rig.intend(0)
    #expect(try await rig.end(of: keeper) == 0)
    let taken = Host.millisecondsSinceBoot - begin
    #expect(taken >= 700 && taken < 30_000)
    #expect(try rig.inside().isEmpty)
    try await rig.close()
  }

  @Test func `fewer instances stop the last ones only, and more bring them back`()
    async throws
  {
    let rig = try Rig(instances: 3)
    try rig.keep()
    try await rig.untilRunning(3)
    let before = try rig.living()
    try rig.intend(1)
    try await rig.until("two have stopped") { try rig.living() == [before[0]] }
    try rig.intend(3)
    try await rig.untilRunning(3)
    #expect(try rig.living(0) == before[0])
    try await rig.close()
  }

  @Test func `what was told to stop stops, and then starts anew when it is wanted again`()
    async throws
  {
    let script = """
      trap 'echo told >> $HOME/told' TERM
      echo s >> $HOME/starts
      while :; do sleep 0.05; done
      """
    // The first instance keeps the keeper alive, however late this test looks.
    let rig = try Rig(
      ["./hears"], scripts: ["hears": script], instances: 2, drainMilliseconds: 1500)
    try rig.keep()
    try await rig.untilRunning(2)
    let before = try rig.living()
    try rig.intend(1)
    try await rig.until("it has been told") { try rig.lines("told").count == 1 }
    try rig.intend(2)
    try await rig.until("another process runs") {
      let now = try rig.living()
      return now.count == 2 && now[1] != before[1]
    }
    #expect(try !rig.instance(1).isStopping && rig.instance(1).restarts.total == 0)
    #expect(try rig.living().first == before[0])
    try await rig.close()
  }

  @Test func `nothing starts again once the stack is being retired`() async throws {
    let rig = try Rig(["./drains"], scripts: ["drains": Self.drains])
    let first = try rig.keep()
    try await rig.untilRunning()
    try HostFile.write(Array("{}".utf8), to: rig.layout.retiring)
    #expect(try await rig.end(of: first) == 0)
    #expect(try rig.lines("drained").count == 1)
    let second = try rig.keep()
    #expect(try await rig.end(of: second) == 0)
    #expect(try rig.lines("starts").count == 1 && rig.inside().isEmpty)
    try await rig.close()
  }

  @Test(.enabled(if: canGiveNone))
  func `a host without an inotify instance to give starts, restarts and stops like any other`()
    async throws
  {
    let rig = try Rig(instances: 2)
    // Each user has 128 of them on most hosts, fewer than there are stacks.
    try rig.keep(
      by: """
        exec unshare --user --map-root-user sh -c \
          '\(Self.givesNone) && %'
        """)
    try await rig.untilRunning(2)
    #expect(try HostFile.text(rig.layout.keeperLog)?.contains("cannot watch") == true)
    kill(try rig.living(1), SIGKILL)
    try await rig.until("the killed one is back") {
      try rig.instance(1).restarts.total == 1 && rig.living().count == 2
    }
    try rig.intend(1)
    try await rig.until("one stops") { try rig.living().count == 1 }
    try await rig.close()
  }

  private static let givesNone = "echo 0 > /proc/sys/user/max_inotify_instances"
  private static let canGiveNone =
    (try? Tool.run(["unshare", "--user", "--map-root-user", "sh", "-c", givesNone])) != nil
}
