import Foundation
import LedgerKit
import Model
import Testing

/// `health: { command: … }`, with real processes and a real HAProxy, whose own check is TCP then.
@Suite(.timeLimit(.minutes(15))) struct CheckTests {
  @Test func `a version whose check fails gets no traffic, and what it wrote is the reason`()
    async throws
  {
    let check = "command: [/bin/sh, check, \"${port}\"]"
    try await withHost(application: ["http: { path: /healthz, expect: 200 }": check]) { host in
      for version in ["1.0.0", "1.1.0"] {
        try host.remote.write(
          "artifacts/web-\(version)/check", "test \"$1\" = \"$VIRIDIAN_PORT\" -a -f settings.json\n"
        )
      }
      try host.remote.write(
        "artifacts/web-1.2.0/check", "echo looked; echo no database today >&2; exit 3\n")
      try host.remote.commit("Checks")
      try host.start()
      try await host.synced("1.0.0")
      try host.remote.bump(to: "1.1.0")
      try await host.synced("1.1.0")
      #expect(try await host.answer().body.contains("1.1.0"))

      try host.remote.bump(to: "1.2.0")
      let failed = try await host.until("1.2.0 is quarantined") {
        try await host.status()?.stacks.first { $0.role == "quarantined" && $0.running == 0 }
      }
      #expect(failed.version == "1.2.0" && failed.generation == 3)
      let reason = "/bin/sh check ${port}: exit status 3: looked / no database today"
      let told = await host.told()
      #expect(
        try await host.history([.decision]).contains { $0.message.contains(reason) }, "\(told)")
      let writes = try await host.history([.intent]).filter { $0.message.contains("v003 100 %") }
      #expect(writes.isEmpty, "the bad version was given traffic: \(writes.map(\.message))")
      #expect(try await host.answer().body.contains("1.1.0"))
    }
  }
}
