import Glibc
import KeeperKit
import Testing

@Suite struct LogTests {
  @Test func `a log is bounded, keeps what came before, and goes on after it`() async throws {
    let script = """
      head -c 12000000 /dev/zero | tr '\\0' a
      echo end of the first
      echo s >> $HOME/starts
      while [ ! -e $HOME/more ]; do sleep 0.05; done
      echo after the rotation
      exec sleep 600
      """
    let rig = try Rig(["./talks"], scripts: ["talks": script])
    let keeper = try rig.keep()
    try await rig.untilRunning()
    let log = rig.layout.log(0)
    try await rig.until("the log is rotated") { try HostFile.status(log)?.st_size == 0 }
    let old = try #require(try HostFile.text("\(log).1"))
    #expect(old.utf8.count == 12_000_000 + "\nend of the first".utf8.count - 1)
    #expect(old.hasSuffix("aend of the first"))
    try HostFile.write([], to: "\(rig.layout.scratch)/more")
    try await rig.until("it goes on") { try HostFile.text(log) == "after the rotation" }
    try await rig.close(keeper)
  }

  @Test func `the keeper's own log is bounded as well`() async throws {
    let rig = try Rig()
    try HostFile.write(Array(repeating: 0x61, count: 3 << 20), to: rig.layout.keeperLog)
    let keeper = try rig.keep()
    try await rig.untilRunning()
    try await rig.until("it is rotated") {
      (try HostFile.status(rig.layout.keeperLog)?.st_size ?? .max) < 1 << 20
    }
    try await rig.close(keeper)
  }
}
