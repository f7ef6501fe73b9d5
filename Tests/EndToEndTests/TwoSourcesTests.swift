import Foundation
import Model
import Support
import Testing

@Suite(.timeLimit(.minutes(15))) struct TwoSourcesTests {
  /// The declarations and artifacts of examples-repo, by path.
  private func examples() throws -> [String: String] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: Programs.examples.path)
    var files: [String: String] = [:]
    for path in paths {
      var isDirectory: ObjCBool = false
      let full = Programs.examples.appending(path: path).path
      guard FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory),
        !isDirectory.boolValue
      else { continue }
      files[path] = try String(contentsOfFile: full, encoding: .utf8)
    }
    return files
  }

  @Test func `a second repository takes no target that runs, and stops none`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      host.kill()

      // The other source comes first by its name, and may be read first.
      let other = try GitRepository()
      let kept = ["environment.yaml", "web.yaml"].map { "environments/production/\($0)" }
      var files = try examples()
        .filter { !$0.key.hasPrefix("environments/") || kept.contains($0.key) }
      let place = "environments/production/web.yaml"
      files[place] = files[place]?.replacing("1.0.0", with: "1.2.0")
      try other.commit(files)
      let main = "{ name: main, url: \"file://\(host.remote.path)\", branch: main, poll: 5s }"
      let alpha = "{ name: alpha, url: \"file://\(other.path)\", branch: main, poll: 5s }"
      try host.write(source: "\(alpha)\n  - \(main)")
      try host.start()
      let status = try await host.until("the status names the other source") {
        try await host.status().flatMap { status in
          status.explanation.contains { $0.contains("alpha (\(place):") } ? status : nil
        }
      }
      #expect(status.source == "main" && status.hold == nil && status.desiredVersion == "1.0.0")
      let sources = try await host.agentStatus().sources
      #expect(sources.allSatisfy { $0.diagnostics.contains { $0.message.contains("too:") } })

      try host.remote.bump(to: "1.1.0")
      let bumped = try await host.synced("1.1.0")
      #expect(Set(bumped.stacks.map(\.version)).isSubset(of: ["1.0.0", "1.1.0"]))
      #expect(bumped.stacks.map(\.generation).max() == 2)
      withExtendedLifetime(other) {}
    }
  }
}
