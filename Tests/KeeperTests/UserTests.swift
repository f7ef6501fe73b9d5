import Glibc
import KeeperKit
import Testing

/// Who an instance is, and what it may do with what it makes.
@Suite struct UserTests {
  @Test func `an instance is its user with that user's groups, and owns its directory`()
    async throws
  {
    let rig = try Rig(
      ["./show"],
      scripts: [
        "show": """
        id -u > $HOME/ids; id -g >> $HOME/ids; id -G >> $HOME/ids
        touch ../release/mine 2> /dev/null && echo wrote >> $HOME/ids
        echo $VIRIDIAN_INSTANCE >> $HOME/starts
        exec sleep 600

        """
      ], user: "nobody")
    try rig.keep()
    try await rig.untilRunning()
    let nobody = try #require(HostUser(named: "nobody"))
    let groups = nobody.groups.map { String($0) }.joined(separator: " ")
    #expect(try rig.lines("ids") == ["\(nobody.uid)", "\(nobody.gid)", groups])
    #expect(try HostFile.status("\(rig.layout.scratch)/ids")?.st_uid == nobody.uid)
    try await rig.close()
  }

  @Test func `a user that the host does not know is waited for, and said`() async throws {
    let rig = try Rig(user: "nobody-knows-me")
    try rig.keep()
    try await rig.until("the keeper waits") {
      guard case .waiting(let reason)? = try rig.status?.phase else { return false }
      return reason.contains("user nobody-knows-me: this host does not know it")
    }
    #expect(try rig.inside() == [])
    try await rig.close()
  }

  @Test func `an instance has the usual umask, whatever its keeper was started with`()
    async throws
  {
    let script = "umask > $HOME/umask\ntouch $HOME/file\necho 0 >> $HOME/starts\nexec sleep 600\n"
    let rig = try Rig(["./show"], scripts: ["show": script])
    try rig.keep(by: "umask 077; %")
    try await rig.untilRunning()
    #expect(try rig.lines("umask") == ["0022"])
    #expect(try HostFile.status("\(rig.layout.scratch)/file").map { $0.st_mode & 0o777 } == 0o644)
    try await rig.close()
  }
}
