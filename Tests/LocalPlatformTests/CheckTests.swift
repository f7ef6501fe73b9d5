import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Testing

@Suite struct CheckTests {
  @Test(arguments: [TrafficPolicy.Mode.http, .none])
  func `a command is asked of what serves and of workers, and each run counts once`(
    mode: TrafficPolicy.Mode
  ) async throws {
    try await Rig.with { rig in
      let check = HealthGate(
        check: .command(["/bin/sh", "-c", "test \"$GREETING\" = 'hello from 1'"]),
        interval: .milliseconds(100))
      let launch = try rig.launch(
        StackSketch(
          instances: 2, traffic: mode, command: ["/bin/sleep", "1000"], health: check))
      let observed = try await rig.launched(launch)
      #expect(observed.capacity.running == 2)
      #expect(observed.endpoints.count == (mode == .none ? 0 : 2))
      var seen: [Int: CheckResult] = [:]
      try await until("both have passed three times") {
        for result in try await rig.platform.checks(of: launch.certificate) {
          let known = seen[result.instance]
          #expect(result.failure == nil && result.age < .seconds(60))
          // Another run has another number, and passes that nobody has read are in a row as well.
          #expect(result.serial >= known?.serial ?? 0)
          #expect((result.serial == known?.serial) == (result.passes == known?.passes ?? -1))
          seen[result.instance] = result
        }
        return seen.count == 2 && seen.values.allSatisfy { $0.passes >= 3 }
      }
      let other = try rig.launch(StackSketch(launch: "launch-2")).certificate
      #expect(try await rig.platform.checks(of: other) == [])
    }
  }

  @Test func `a failure is told with the end of what it wrote, and none of its secrets`()
    async throws
  {
    try await Rig.with { rig in
      let script = "seq 1 500; echo; echo '  no   way in'; echo tried $PASSWORD >&2; exit 4"
      let launch = try rig.launch(
        StackSketch(
          environment: ["PASSWORD": "${secret:file:password}"],
          secrets: ["password": "correct-horse"],
          health: HealthGate(
            check: .command(["/bin/sh", "-c", script]), interval: .milliseconds(100))))
      try await rig.launched(launch)
      var failure: String?
      try await until("it has failed") {
        failure = try await rig.platform.checks(of: launch.certificate).first?.failure
        return failure != nil
      }
      let text = try #require(failure)
      #expect(text.hasPrefix("/bin/sh -c \(script): exit status 4: "), "\(text)")
      #expect(text.hasSuffix("500 / no way in / tried ${secret:file:password}"), "\(text)")
      #expect(text.count < 450, "\(text)")
    }
  }

  @Test func `results of what does not run any more, or of nobody's keeper, are none or old`()
    async throws
  {
    try await Rig.with { rig in
      let launch = try rig.launch(
        StackSketch(
          health: HealthGate(check: .command(["/bin/true"]), interval: .milliseconds(100))))
      try await rig.launched(launch)
      try await until("it has passed") {
        try await !rig.platform.checks(of: launch.certificate).isEmpty
      }
      try await rig.killKeeper(launch.certificate)
      let last = try await rig.platform.checks(of: launch.certificate)
      try await until("the last one gets older") {
        let now = try await rig.platform.checks(of: launch.certificate)
        #expect(now.map(\.serial) == last.map(\.serial))
        return now.allSatisfy { $0.age > .milliseconds(500) }
      }
      let process = try rig.process(launch.certificate, 0)
      kill(process.pid, SIGKILL)
      try await until("it is dead") { !process.isAlive }
      #expect(try await rig.platform.checks(of: launch.certificate) == [])
    }
  }
}
