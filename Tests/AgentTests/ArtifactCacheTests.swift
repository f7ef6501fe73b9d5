import Agent
import Model
import PlatformKit
import Testing
import Transport

/// Where artifacts may come from, beyond the repository.
@Suite struct ArtifactCacheTests {
  /// The error of asking for `url`.
  private func refusal(_ url: String, hosts: [String] = []) async throws -> PlatformError? {
    let directory = try TemporaryDirectory()
    let cache = ArtifactCache(
      directory: directory.path("."), sources: [], http: try HTTPClient(connections: 1),
      hosts: hosts)
    let reference = InputReference(
      kind: .artifact, name: url, expected: Digest.of("what the manifest says"))
    do throws(PlatformError) {
      _ = try await cache.fetch(reference, source: "main", commit: "c1")
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    "127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254",
  ])
  func `a repository does not make the agent ask inner addresses`(_ host: String) async throws {
    let error = try #require(try await refusal("https://\(host):1/web.tar.gz"))
    guard case .rejected(.stack, let text) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(text.contains("not public") && text.contains("artifacts.hosts"), "\(text)")
  }

  @Test(arguments: ["localhost", "localhost:1"])
  func `but a host that the configuration names is asked`(_ host: String) async throws {
    let error = try #require(try await refusal("https://localhost:1/web.tar.gz", hosts: [host]))
    guard case .transient = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func `and on no other port than it names`() async throws {
    let error = try await refusal("https://localhost:1/web.tar.gz", hosts: ["localhost:443"])
    guard case .rejected(.stack, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
