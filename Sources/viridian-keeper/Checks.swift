import Glibc
import KeeperKit

/// The health check of one stack, where it is a command: run beside each instance that runs, one
/// run at a time, and only the newest outcome is kept.
struct Checks {
  private struct Seat {
    /// The instance that is checked.
    var instance: ProcessIdentity?
    var run: Run?
    /// Earliest next run; boot clock.
    var notBefore = 0
    var outcome: CheckOutcome?
  }

  private struct Run {
    var process: ProcessIdentity
    /// Boot clock.
    var since: Int
    /// Why it was killed.
    var failure: String?
    /// Its instance is gone: however it ends, it says nothing.
    var isVoid = false
  }

  /// One run may write so much; only the last 4 KiB of it are ever looked at.
  private static let logBytes = 1 << 20
  private static let outputBytes = 4096
  /// Between two looks at something that was killed and is about to go.
  private static let killMilliseconds = 20

  private let layout: StackLayout
  private let order: CheckOrder
  private let launch: CommandLaunch
  private let remnants: Remnants
  private var seats: [Seat]
  private var written: [CheckOutcome] = []

  /// nil when the plan has no such check.
  init?(
    _ layout: StackLayout, _ plan: KeeperPlan, _ launch: CommandLaunch, _ remnants: Remnants
  ) throws(HostError) {
    guard let order = plan.check else { return nil }
    self.layout = layout
    self.order = order
    self.launch = launch
    self.remnants = remnants
    seats = Array(repeating: Seat(), count: plan.declared)
    try HostDirectory.make(layout.checks)
    // What an earlier keeper saw is not in a row with what this one sees.
    try HostDirectory.remove(layout.checkOutcomes)
  }

  var isEmpty: Bool { seats.allSatisfy { $0.run == nil } }

  /// Processes whose exits will be asked for.
  var awaited: [Int32] { seats.compactMap { $0.run?.process.pid } }

  /// Until something is due without anybody telling.
  var milliseconds: Int {
    let now = Host.millisecondsSinceBoot
    let due = seats.compactMap { seat -> Int? in
      if let run = seat.run {
        return run.isVoid || run.failure != nil
          ? now + Self.killMilliseconds : run.since + order.timeoutMilliseconds
      }
      return seat.instance == nil ? nil : seat.notBefore
    }
    return max(10, min(1000, (due.min() ?? now + 1000) - now))
  }

  /// `instances`: those that should be checked now, by number.
  mutating func step(
    _ instances: [Int: ProcessIdentity], at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    for number in seats.indices {
      if seats[number].instance != instances[number] {
        seats[number].instance = instances[number]
        seats[number].outcome = nil
        seats[number].notBefore = now
        seats[number].run?.isVoid = true
      }
      try settle(number, at: now, &exits)
      if seats[number].instance != nil { try start(number, at: now) }
    }
    let outcomes = seats.compactMap(\.outcome)
    guard outcomes != written else { return }
    // A power cut loses what nobody would believe after it.
    try HostFile.write(
      try HostFile.json(outcomes), to: layout.checkOutcomes, isDurable: false)
    written = outcomes
  }

  private mutating func settle(
    _ number: Int, at now: Int, _ exits: inout ExitWords
  ) throws(HostError) {
    guard let run = seats[number].run else { return }
    guard !run.process.isAlive else {
      let failure = run.failure != nil ? run.failure : try overrun(number, run, at: now)
      seats[number].run?.failure = failure
      guard run.isVoid || failure != nil else { return }
      kill(-run.process.pid, SIGKILL)
      return try remnants.kill(.check(number))
    }
    let word = exits.take(run.process.pid)
    seats[number].run = nil
    // What it left in the background goes with it.
    try remnants.kill(.check(number))
    guard !run.isVoid else { return }
    let isPassed = run.failure == nil && word?.isSuccess == true
    try record(
      number, isPassed ? nil : run.failure ?? word?.description ?? "ended, nobody knows how",
      at: now)
  }

  /// Why a run must not go on.
  private func overrun(_ number: Int, _ run: Run, at now: Int) throws(HostError) -> String? {
    if now >= run.since + order.timeoutMilliseconds {
      return "did not end within \(order.timeoutMilliseconds) ms"
    }
    let size = try HostFile.status(layout.checkLog(number))?.st_size ?? 0
    return size > Self.logBytes ? "wrote more than \(Self.logBytes >> 20) MiB" : nil
  }

  private mutating func record(
    _ number: Int, _ failure: String?, at now: Int
  ) throws(HostError) {
    seats[number].notBefore = now + order.intervalMilliseconds
    guard let instance = seats[number].instance, instance.isAlive else { return }
    let before = seats[number].outcome.flatMap {
      now - $0.milliseconds <= order.longestGapMilliseconds ? $0 : nil
    }
    seats[number].outcome = CheckOutcome(
      instance: number, process: instance, milliseconds: now,
      passes: failure == nil ? (before?.passes ?? 0) + 1 : 0, failure: failure,
      output: failure == nil ? "" : try output(number))
  }

  private func output(_ number: Int) throws(HostError) -> String {
    let path = layout.checkLog(number)
    guard let status = try HostFile.status(path) else { return "" }
    let file = try Descriptor(open: path, O_RDONLY | O_NOFOLLOW)
    let count = min(Int(status.st_size), Self.outputBytes)
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(file.number, &bytes, count, off_t(Int(status.st_size) - count))
    guard got >= 0 else { throw .system(what: "cannot read \(path)", errno: errno) }
    return String(decoding: bytes[..<got], as: UTF8.self)
  }

  private mutating func start(_ number: Int, at now: Int) throws(HostError) {
    guard seats[number].run == nil, now >= seats[number].notBefore else { return }
    // Of an earlier run, or of an earlier keeper's.
    guard try remnants.processes(.check(number)).isEmpty else {
      try remnants.kill(.check(number))
      seats[number].notBefore = now + Self.killMilliseconds
      return
    }
    do throws(LaunchWait) {
      seats[number].run = try begin(number, order, at: now)
    } catch {
      try HostDirectory.remove(layout.checkLog(number))
      try record(number, error.reason, at: now)
    }
  }

  private func begin(_ number: Int, _ order: CheckOrder, at now: Int) throws(LaunchWait) -> Run {
    let request = try launch.request(check: order, of: number)
    do throws(HostError) {
      let child = try request.fork()
      guard let process = HostProcess.read(child.pid)?.identity else {
        child.abandon()
        throw .system(what: "cannot identify the process \(child.pid)", errno: ESRCH)
      }
      try child.release()
      return Run(process: process, since: now)
    } catch {
      throw LaunchWait(reason: "\(error)")
    }
  }
}
