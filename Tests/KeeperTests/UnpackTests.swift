import Glibc
import KeeperKit
import Testing

@Suite struct UnpackTests {
  @Test(arguments: Archives.hostile.map(\.name))
  func `a hostile archive is refused and leaves nothing`(_ name: String) async throws {
    let rig = try Rig(archive: name)
    let keeper = try rig.keep()
    #expect(try await rig.end(of: keeper) == 0)
    guard case .failed(let reason)? = try rig.status?.phase else {
      Issue.record("\(name) was not refused: \(String(describing: try rig.status?.phase))")
      return try await rig.close()
    }
    let word = try #require(Archives.hostile.first { $0.name == name }).reason
    #expect(word.isEmpty || reason.contains(word), "\(name): \(reason)")
    #expect(try !HostFile.exists(rig.layout.release))
    #expect(try !HostFile.exists(rig.layout.manifest))
    #expect(try !HostFile.exists("\(rig.layout.directory)/escaped"))
    #expect(try !HostFile.exists("\(rig.root)/escaped"))
    #expect(try !HostFile.exists("/tmp/keeper-tests-escaped"))
    #expect(try HostDirectory.list(rig.root).sorted() == ["archive.tar.gz", "stack"])
    try await rig.close()
  }

  @Test func `a release is read-only, and its manifest says what it holds`() async throws {
    let rig = try Rig(archive: "good")
    try rig.keep()
    try await rig.untilRunning()
    let manifest = try #require(
      try HostFile.decode(ReleaseManifest.self, from: rig.layout.manifest))
    var found: [String] = []
    for entry in manifest.entries {
      let path = "\(rig.layout.release)/\(entry.path)"
      let status = try #require(try HostFile.status(path))
      let mode = String(status.st_mode & 0o7777, radix: 8)
      switch entry.kind {
      case .directory: #expect(status.st_mode & S_IFMT == S_IFDIR && mode == "555")
      case .link: #expect(try HostFile.linkTarget(path) == entry.content)
      case .file:
        #expect(mode == entry.mode && entry.mode == (entry.path == "serve" ? "555" : "444"))
        let file = try Descriptor(open: path, O_RDONLY | O_NOFOLLOW)
        #expect(try FileHash.sha256(file, path) == entry.content)
      }
      found.append(entry.path)
    }
    let long = String(repeating: "long", count: 40)
    let chain = (1...5).map { "n/" + Array(repeating: long, count: $0).joined(separator: "/") }
    #expect(
      found
        == ([
          "dangling", "empty", "here", "héllo wörld", "lib", "lib/deep", "lib/deep/a.txt",
          "lib/deep/up", "n", "serve",
        ] + chain).sorted())
    #expect(try #require(try HostFile.status(rig.layout.release)).st_mode & 0o7777 == 0o555)
    try await rig.close()
  }

  @Test func `an archive with another digest is waited for, not refused`() async throws {
    let rig = try Rig()
    let path = rig.plan.archive
    let good = try #require(try HostFile.read(path))
    try HostFile.write(good + [0], to: path)
    try rig.keep()
    try await rig.until("the keeper waits") {
      guard case .waiting(let reason)? = try rig.status?.phase else { return false }
      return reason.contains("SHA-256")
    }
    #expect(try !HostFile.exists(rig.layout.release))
    try HostFile.write(good, to: path)
    try await rig.untilRunning()
    try await rig.close()
  }

  @Test func `a retirement does not wait for an unpacking`() async throws {
    let rig = try Rig()
    let keeper = try rig.keep(failpoint: "unpack.after-verify")
    let child = try await rig.stopped()
    try HostFile.write(Array("{}".utf8), to: rig.layout.retiring)
    #expect(try await rig.end(of: keeper, seconds: 60) == 0)
    #expect(HostProcess.read(child).map(\.isZombie) ?? true)
    #expect(try rig.lines("starts").isEmpty)
    try await rig.close()
  }

  @Test func `a release is never made anew under a living instance`() async throws {
    let rig = try Rig()
    try rig.keep()
    try await rig.untilRunning()
    let before = try #require(try HostFile.status(rig.layout.release)).st_ino
    unlink(rig.layout.manifest)
    try rig.intend(1)
    // Two looks of the keeper at its directory: it had every chance to do harm.
    try await Task.sleep(for: .milliseconds(1200))
    #expect(try #require(try HostFile.status(rig.layout.release)).st_ino == before)
    #expect(try rig.living().count == 1)
    try await rig.close()
  }
}
