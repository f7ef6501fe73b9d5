import Glibc
import KeeperKit
import Testing

@Suite struct CheckTests {
  @Test func `a check runs beside each instance in its environment, and its passes are counted`()
    async throws
  {
    let rig = try Rig.checked(
      ["./check", "--port=${port}"],
      "echo $1 $VIRIDIAN_PORT $MODE $PWD >> $HOME/checks-$VIRIDIAN_INSTANCE\n",
      ports: [47_331, 47_332], environment: ["MODE": "on ${port}"])
    try rig.keep()
    try await rig.until("both have passed three times") {
      try rig.outcomes().map(\.instance) == [0, 1]
        && rig.outcomes().allSatisfy { $0.passes >= 3 && $0.failure == nil }
    }
    #expect(
      try rig.lines("checks-1").first
        == "--port=47332 47332 on 47332 \(rig.layout.release)")
    let living = try rig.living()
    #expect(try rig.outcomes().map(\.process.pid) == living)
    // As often as it has passed, it has run: but for one that has not been written yet.
    let (runs, passes) = (try rig.lines("checks-0").count, try rig.outcomes()[0].passes)
    #expect((0...1).contains(runs - passes), "\(runs) \(passes)")
    #expect(try rig.lines("starts").count == 2 && rig.inside(0) == [living[0]])
    try await rig.close()
  }

  @Test func `a failure tells its end and its output, and passes begin anew after it`()
    async throws
  {
    let rig = try Rig.checked(
      ["./check"],
      "[ ! -e $HOME/bad ] || { echo no database >&2; exit 7; }\necho x >> $HOME/checks\n")
    try rig.keep()
    try await rig.until("it passes") { try rig.outcomes().first?.passes ?? 0 >= 5 }
    try HostFile.write([], to: "\(rig.layout.scratch)/bad")
    try await rig.until("it fails") { try rig.outcomes().first?.failure == "exit status 7" }
    #expect(try rig.outcomes()[0].output == "no database\n" && rig.outcomes()[0].passes == 0)
    let before = try rig.lines("checks").count
    unlink("\(rig.layout.scratch)/bad")
    var first: CheckOutcome?
    try await rig.until("it passes again") {
      first = try rig.outcomes().first
      return first?.failure == nil
    }
    // Nothing of before is counted.
    #expect(try first?.passes ?? 0 <= rig.lines("checks").count - before)
    #expect(try rig.instance(0).restarts.total == 0)
    try await rig.close()
  }

  @Test func `a check that hangs is killed with all that it started, and has failed`()
    async throws
  {
    let rig = try Rig.checked(
      ["./check"], "trap '' TERM\nsetsid sleep 600 &\necho $! >> $HOME/children\nwait\n",
      timeoutMilliseconds: 300)
    try rig.keep()
    try await rig.until("it has failed twice") { try rig.lines("children").count >= 2 }
    #expect(try rig.outcomes().first?.failure == "did not end within 300 ms")
    let child = try #require(try rig.lines("children").first.flatMap { Int32($0) })
    #expect(HostProcess.read(child).map(\.isZombie) ?? true)
    try await rig.close()
  }

  @Test func `a check that is not there, or writes without an end, has failed`() async throws {
    let missing = try Rig.checked(["./missing"], "")
    try missing.keep()
    try await missing.until("it fails") {
      try missing.outcomes().first?.failure?.contains("./missing: No such file") == true
    }
    try await missing.close()
    let endless = try Rig.checked(["./check"], "exec yes\n", timeoutMilliseconds: 60_000)
    try endless.keep()
    try await endless.until("it fails") {
      try endless.outcomes().first?.failure == "wrote more than 1 MiB"
    }
    try await endless.close()
  }

  @Test func `a dead keeper's results stay as old as they are, and its successor counts anew`()
    async throws
  {
    let rig = try Rig.checked(["./check"], "echo x >> $HOME/checks\n")
    let first = try rig.keep()
    try await rig.until("it has passed often") { try rig.outcomes().first?.passes ?? 0 >= 5 }
    try await rig.killKeeper(first)
    let last = try #require(try rig.outcomes().first)
    let ran = try rig.lines("checks").count
    // Many intervals: whoever still ran it would show it.
    try await Task.sleep(for: .milliseconds(500))
    #expect(try rig.outcomes() == [last] && rig.lines("checks").count - ran <= 1)
    try rig.keep()
    var next: CheckOutcome?
    try await rig.until("the successor has seen it pass") {
      next = try rig.outcomes().first
      return next != nil && next?.milliseconds != last.milliseconds
    }
    #expect(next?.process == last.process)
    #expect(try next?.passes ?? 0 <= rig.lines("checks").count - ran)
    try await rig.close()
  }

  @Test func `what was seen of an instance says nothing of the one after it`() async throws {
    let rig = try Rig.checked(["./check"], "echo x >> $HOME/checks\n")
    try rig.keep()
    try await rig.until("it has passed often") { try rig.outcomes().first?.passes ?? 0 >= 5 }
    let old = try rig.living(0)
    kill(old, SIGKILL)
    let ran = try rig.lines("checks").count
    var first: CheckOutcome?
    try await rig.until("the next one is checked") {
      first = try rig.outcomes().first
      return first.map { $0.process.pid != old } ?? false
    }
    #expect(try first?.passes ?? 0 <= rig.lines("checks").count - ran)
    try await rig.close()
  }

  @Test func `nothing is checked that should not run, and a keeper that ends leaves no check`()
    async throws
  {
    let rig = try Rig.checked(
      ["./check"], "echo x >> $HOME/checks\nexec sleep 600\n", timeoutMilliseconds: 60_000)
    let keeper = try rig.keep()
    try await rig.until("a check runs") { try rig.lines("checks").count == 1 }
    try rig.intend(0)
    #expect(try await rig.end(of: keeper) == 0)
    #expect(try rig.inside().isEmpty && rig.outcomes().isEmpty)
    try await rig.close()
  }
}

extension Rig {
  /// A stack with a check each 50 ms.
  fileprivate static func checked(
    _ command: [String], _ script: String, ports: [Int]? = nil,
    environment: [String: String] = [:], timeoutMilliseconds: Int = 5000
  ) throws -> Rig {
    let rig = try Rig(
      scripts: ["check": script], ports: ports ?? [0], environment: environment)
    var plan = rig.plan
    plan.check = CheckOrder(
      command: command, intervalMilliseconds: 50, timeoutMilliseconds: timeoutMilliseconds)
    try HostFile.write(try HostFile.json(plan), to: rig.layout.plan)
    return rig
  }

  fileprivate func outcomes() throws -> [CheckOutcome] {
    try HostFile.decode([CheckOutcome].self, from: layout.checkOutcomes) ?? []
  }
}
