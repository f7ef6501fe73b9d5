import Foundation
import Model
import Testing

@Suite(.timeLimit(.minutes(15))) struct TwoAgentsTests {
  @Test func `the second agent says who holds the lease, and does nothing`() async throws {
    try await withHost { host in
      try host.start()
      try await host.synced("1.0.0")
      let answer = try await execute(
        Programs.viridian.path, ["run", "--config", host.configuration], in: host.directory)
      #expect(answer.code == 2)
      #expect(answer.text.contains("another agent works here"))
      #expect(answer.text.contains("pid "))
      #expect(try await host.status()?.stacks.count == 1)
    }
  }
}
