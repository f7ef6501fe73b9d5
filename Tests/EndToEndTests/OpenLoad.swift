import Foundation
import Glibc
import Support
import Testing

/// A host whose `web` fails a share of its requests: of each version, so many of a thousand. `rollout`: in place of
/// the strategy.
func withFaulty(
  _ permille: [String: Int], rollout: String, application: [String: String] = [:],
  settings: String = "", _ body: (Host) async throws -> Void
) async throws {
  let changes = [
    "strategy: blueGreen,": rollout, "command: [./web,": "command: [/usr/bin/python3, faulty.py,",
  ]
  try await withHost(
    application: changes.merging(application) { own, _ in own }, settings: settings, isLong: true
  ) { host in
    let program = try String(
      contentsOfFile: Programs.scripts.appending(path: "faulty.py").path, encoding: .utf8)
    for (version, share) in permille {
      try host.remote.write("artifacts/web-\(version)/faulty.py", program)
      try host.remote.write("artifacts/web-\(version)/version", version)
      try host.remote.write("artifacts/web-\(version)/permille", "\(share)")
    }
    try host.remote.commit("Versions that fail")
    try host.start()
    try await host.synced("1.0.0")
    try await body(host)
  }
}

/// Requests begin on schedule, however slow the answers are, until it is stopped.
final class OpenLoad {
  struct Report: Codable {
    var names: [String: Int]
    var failed: Int
    var failures: [String]
    var total: Int { names.values.reduce(0, +) + failed }
  }

  private let pid: Int32
  private let output: String
  /// Its end ends the load.
  private let input: Int32
  private var isEnded = false

  init(_ host: Host, perSecond: Int) throws {
    output = host.directory.appending(path: "load.json").path
    let pipe = host.directory.appending(path: "load.pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    input = open(pipe, O_RDWR | O_CLOEXEC)
    let script = Programs.scripts.appending(path: "load.py").path
    pid = try Tool.spawn(
      ["/usr/bin/python3", script, "\(host.port)", "open", "\(perSecond)"], environment: [:],
      input: pipe, output: output, error: output)
  }

  deinit {
    guard !isEnded else { return }
    kill(pid, SIGKILL)
    Tool.wait(pid)
    close(input)
  }

  func stop() throws -> Report {
    close(input)
    isEnded = true
    try eventually("the load has ended", within: .seconds(60)) { Tool.exitStatus(pid) != nil }
    let text = try String(contentsOfFile: output, encoding: .utf8)
    let line = try #require(text.split(separator: "\n").last)
    return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
  }
}
