import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

/// What fuzzing found: answers and files that no HAProxy and no router of ours gives, and that ended
/// the agent.
@Suite struct AnswerTests {
  private static let proc = """
    #<PID> <type> <reloads> <uptime> <version>
    1 master 2 [failed: 0] 0d00h01m28s 2.6.12
    # workers
    2 worker 0 0d00h00m00s 2.6.12
    # old workers
    # programs

    """
  private static let columns = "pxname,svname,scur,status,uweight,check_status,addr,mode,slim,type"

  private static let cases: [(why: String, proc: String, stat: String)] = [
    ("an uptime without end", proc.replacing("0d00h00m00s", with: "99999999999999999999d"), ""),
    (
      "nothing after a word", proc.replacing("[failed: 0] 0d00h01m28s 2.6.12", with: "x [failed:"),
      ""
    ),
    ("a row without its last cell", proc, "# \(columns)\nbe,x,0,UP,1,L7OK,a,http,0\n"),
    (
      "more sessions than there are", proc,
      "# \(columns)\n"
        + ["a", "b"].map { "be_web.production_h0,\($0),\(Int.max),UP,1,L7OK,a,http,0,2\n" }.joined()
        + "be_web.production_h0,BACKEND,0,UP,1,,,http,0,1\n"
    ),
  ]

  @Test(arguments: cases.indices) func `an answer that makes no sense ends nobody`(
    index: Int
  ) async throws {
    let answers = Self.cases[index]
    let directory = try TemporaryDirectory()
    let stub = try StubServer(unixPath: directory.path("master.sock")) { connection in
      var command = ""
      while !command.hasSuffix("\n"), let byte = connection.read(1).first {
        command.unicodeScalars.append(Unicode.Scalar(byte))
      }
      let isList = command.hasPrefix("show proc")
      connection.write(isList ? answers.proc : command.contains("show stat") ? answers.stat : "\n")
    }
    defer { stub.stop() }
    let router = try HAProxyRouter(HAProxySettings(directory: directory.path))
    // An error is as good: nothing is routed by it.
    do {
      for (_, seen) in try await router.read() {
        #expect(seen.value?.route.backends.isEmpty ?? true, "\(answers.why)")
      }
    } catch {
      #expect(!"\(error)".isEmpty)
    }
  }

  private static let answers: [(text: String, maps: [String?]?)] = [
    ("", []), ("\n", [""]), ("\n\n", ["", ""]), ("1 a b\n\n", ["1 a b\n"]),
    ("1 a b\n2 c d\n\n\n3 e f\n\n", ["1 a b\n2 c d\n", "", "3 e f\n"]),
    ("1 a b\n\nUnknown map identifier.\n\n\n", ["1 a b\n", nil, ""]),
    ("1 a b", nil), ("1 a b\n", nil), ("1 a b\n\n2 c", nil), ("1 a b\n\n2 c d\n", nil),
    ("1 a b\n\nCan't find the target PID matching the prefix '@!7'\n", nil),
  ]

  /// Cut anywhere, it has fewer whole answers than there were questions, or is none.
  @Test(arguments: answers.indices) func `answers end with an empty line`(_ index: Int) {
    #expect(splitMaps(Self.answers[index].text) == Self.answers[index].maps)
  }

  /// A connection that is closed too early, by a master under load.
  @Test(arguments: ["", "0x1 0 be_web.production_h0", "0x1 0 be_web.production_h0\n", "\n\n"])
  func `a map that is not answered whole is not read`(_ answer: String) async throws {
    let directory = try TemporaryDirectory()
    let rows = "fe_web.production,FRONTEND,0,OPEN,,,,http,9,0\n"
    let stub = try StubServer(unixPath: directory.path("master.sock")) { connection in
      var command = ""
      while !command.hasSuffix("\n"), let byte = connection.read(1).first {
        command.unicodeScalars.append(Unicode.Scalar(byte))
      }
      if command.hasPrefix("show proc") {
        connection.write(Self.proc)
      } else {
        connection.write(command.contains("show stat") ? "# \(Self.columns)\n\(rows)" : answer)
      }
    }
    defer { stub.stop() }
    let router = try HAProxyRouter(HAProxySettings(directory: directory.path))
    await #expect(throws: PlatformError.self) { try await router.read() }
  }

  @Test func `a share below nothing in a file that somebody changed is drift`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      let route = bench.route([backend(1, 100, [one])])
      try await bench.apply(route)
      let file = "\(bench.settings.directory)/conf.d/10-web.production.cfg"
      let text = String(decoding: try readFile(file), as: UTF8.self)
      let damaged = text.replacing("\"weightPercent\":100", with: "\"weightPercent\":-5")
      #expect(damaged != text)
      try Data(damaged.utf8).write(to: URL(fileURLWithPath: file))
      let seen = try await bench.router.read()
      #expect(!seen.isEmpty)
      try await bench.apply(route)
      #expect(try await bench.router.read()[web]?.value != nil)
    }
  }
}
