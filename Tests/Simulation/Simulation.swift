import Agent
import CSchedule
import LedgerKit
import Model
import PlatformKit
import Support

/// One simulated history: the real agent over a world that is a value of its schedule.
///
/// Everything is on one thread, whose turn it is is decided by the timeline alone, and nothing reads a
/// clock, so that a schedule always goes the same way.
package final class Simulation: @unchecked Sendable {
  let schedule: Schedule
  let timeline: Timeline
  let ground: Ground
  let disk = Disk()
  var repository: Repository
  let oracle: Oracle
  package private(set) var coverage = Coverage()
  /// Agents that run; more than one only by somebody's doing.
  private(set) var lives: [Life] = []
  private var born = 0
  /// Steps of the wall clock that somebody made, in milliseconds.
  var wallSteps = 0
  var boot = 1
  var bootedAt: Moment = 0
  var secretVersion = 1
  var isPlatformDown = false
  var isRouterDown = false
  var isSourceDown = false
  private var drawn: UInt64
  /// Calls by part.
  private var calls: [Part: Int] = [:]
  private(set) var mutations = 0
  /// Points before, within and after everything that changes the world, as they are passed.
  package private(set) var points = 0
  /// How many of them lay in the safety phase.
  package private(set) var pointsOfSafety = 0
  /// At which of them the process dies.
  package var deaths: Set<Int> = []
  /// The next effect kills the one who asked for it.
  var isArmed = false
  /// The liveness phase has begun.
  private(set) var isHealthy = false
  /// What goes wrong with readings, beside the schedule's faults.
  package var sieve = Sieve()
  private var isOver = false
  var trace: Trace

  package init(_ schedule: Schedule, isTold: Bool = false) {
    self.schedule = schedule
    timeline = Timeline(shuffle: schedule.setup.shuffle)
    ground = Ground(schedule.setup, timeline)
    repository = Repository(
      Dictionary(schedule.setup.targets.map { ($0.target, $0) }) { first, _ in first })
    oracle = Oracle()
    drawn = mix(schedule.seed ^ 0xA5A5)
    trace = Trace(isTold: isTold)
  }

  var now: Moment { timeline.now }
  var violations: [String] { oracle.violations }

  var hostNow: Now {
    Now(
      bootID: "boot-\(boot)", sinceBoot: .milliseconds(1_000_000 + now - bootedAt),
      wall: WallTime(milliseconds: 1_772_452_800_000 + now + wallSteps))
  }

  /// A draw that nobody else gets.
  func draw() -> UInt64 {
    drawn = mix(drawn)
    return drawn
  }

  func below(_ bound: Int) -> Int { bound < 1 ? 0 : Int(draw() % UInt64(bound)) }

  // MARK: - Running

  /// Lets the whole schedule happen; the answer is what was wrong, empty at best.
  ///
  /// `toRest`: also until nothing may happen any more, which is half of the steps of a short history.
  package func run(toRest: Bool = true) -> Outcome {
    schedule_enter()
    oracle.simulation = self
    startAgent()
    for happening in schedule.happenings {
      timeline.plan(after: happening.at) { self.happen(happening) }
    }
    timeline.run(until: schedule.length) {
      if self.sieve.isWatching { self.sieve.record.watch(self.view) }
      return !self.oracle.violations.isEmpty
    }
    let settledAfter = violations.isEmpty ? settle(toRest: toRest) : nil
    finish()
    schedule_leave()
    oracle.simulation = nil
    return Outcome(
      violations: violations, hash: trace.hash, steps: timeline.steps,
      points: points, settledAfter: settledAfter, coverage: coverage, trace: trace.lines)
  }

  private func finish() {
    isOver = true
    for life in lives { life.kill() }
    timeline.settle()
    timeline.clear()
  }

  /// The liveness phase: nothing goes wrong any more, and everything must become as declared and stay
  /// quiet. The answer is how long the first took, in milliseconds.
  private func settle(toRest: Bool) -> Moment? {
    pointsOfSafety = points
    undoHidden()
    heal()
    let begin = now
    while now - begin < Liveness.deadline, violations.isEmpty, !unmatched.isEmpty {
      timeline.run(until: now + 250)
      approveWhatWaits()
      if (now - begin) % 15_000 == 0 { askAgain() }
    }
    guard violations.isEmpty else { return nil }
    guard unmatched.isEmpty else {
      for target in unmatched {
        let why = disk.ledger.statuses[target]?.explanation.joined(separator: "; ") ?? "no status"
        oracle.report(
          "L1", "\(target) is not as declared \(Liveness.deadline / 1000) s later: \(why)")
      }
      return nil
    }
    let took = now - begin
    guard toRest else { return took }
    if oracle.isLedgerLost {
      // Whoever was told that nothing can be adopted yet asks again.
      timeline.run(until: now + lateness + slowestAnswer)
      ask(.adopt(nil))
    }
    deaths = []
    letGo(within: retention)
    guard violations.isEmpty else { return nil }
    oracle.judgeRest()
    let before = (mutations, disk.ledger.sequence)
    timeline.run(until: now + Liveness.silence) { !self.oracle.violations.isEmpty }
    if mutations != before.0 || disk.ledger.sequence != before.1 {
      let entries = disk.ledger.entries.suffix(disk.ledger.sequence - before.1).map(\.message)
      oracle.report("L1", "not quiet: \(mutations - before.0) calls, entries \(entries)")
    }
    return took
  }

  /// Until nothing is left that goes by itself, and nothing has happened for a while.
  private func letGo(within retention: Int) {
    let end = now + retention
    var quietSince = now
    var before = (mutations, disk.ledger.sequence)
    while now < end, violations.isEmpty, now - quietSince < 2500 + lateness + slowestAnswer {
      timeline.run(until: now + 500)
      approveWhatWaits()
      if !isLeftAlone || before != (mutations, disk.ledger.sequence) {
        (quietSince, before) = (now, (mutations, disk.ledger.sequence))
      }
    }
  }

  private var isLeftAlone: Bool {
    // It tells once more when a source answers again.
    let ofSource = disk.ledger.entries.last { $0.target == nil && $0.message.hasPrefix("source ") }
    guard ofSource?.message.contains("is current") == true,
      oracle.acceptedCommit == repository.tip
    else { return false }
    return schedule.setup.targets.allSatisfy { declaration in
      let status = disk.ledger.statuses[declaration.target]
      return ground.stacks(of: declaration.target).count <= 1 && status?.rollout == nil
        && status?.stacks.count ?? 0 <= 1
    }
  }

  /// How late readings may be, together.
  private var lateness: Int {
    schedule.setup.propagationMilliseconds + schedule.setup.listingMilliseconds
  }

  /// Until nothing is kept any more that is kept for a while: a bake, a drain, and the time of keeping.
  private var retention: Int {
    schedule.setup.targets.map {
      $0.warmMilliseconds + $0.drainMilliseconds + $0.wholeBakeMilliseconds + 22_000 + 8 * lateness
    }.max() ?? 0
  }

  // MARK: - Agents

  func startAgent() {
    guard !isOver else { return }
    born += 1
    let life = Life(number: born, timeline: timeline)
    guard let file = disk.takeLease(life) else {
      // Its supervisor tries again.
      timeline.plan(after: 2000) { if self.lives.isEmpty { self.startAgent() } }
      return
    }
    lives.append(life)
    oracle.blindAt = now
    note("agent", "\(life.number) starts")
    life.begin {
      await self.live(life, file)
    } ended: {
      self.note("agent", "\(life.number) has ended")
      self.lives.removeAll { $0 === life }
      guard !self.isOver else { return }
      self.timeline.plan(after: 300 + self.below(2500)) {
        if self.lives.isEmpty { self.startAgent() }
      }
    }
  }

  // MARK: - Calls

  /// One call of the agent to the world.
  ///
  /// `effect` happens at some moment between the request and the answer, also when the caller is dead by
  /// then.
  func call<Value: Sendable>(
    _ part: Part, by life: Life, isEffect: Bool = false,
    _ effect: @escaping @Sendable () throws(PlatformError) -> Value
  ) async throws(PlatformError) -> Value {
    guard life.isAlive else { throw .transient("the process is dead") }
    let fates = fates(of: part)
    if isEffect { point(life) }
    guard life.isAlive else { throw .transient("the process is dead") }
    let box = Box<Result<Value, PlatformError>>()
    let (request, answer) = (latency(), latency())
    let work: @Sendable () -> Void = {
      // What a process does to its own disk ends with it; what it has sent goes on.
      let isSent = life.diedAt.map { self.now - $0 < 100 && isEffect } ?? true
      guard isSent, life.isAlive || part == .platform || part == .router else { return }
      box.value = self.perform(fates, effect)
      guard isEffect else { return }
      if part == .platform || part == .router { self.mutations += 1 }
      self.point(life)
    }
    if request + answer + fates.delay == 0 {
      work()
    } else {
      let (timeline, delay) = (timeline, fates.delay)
      let isAlive = await life.wait { done in
        timeline.plan(after: request + delay / 2) {
          work()
          timeline.plan(after: answer + delay / 2, done)
        }
      }
      guard isAlive else { throw .transient("the process is dead") }
    }
    if isEffect { point(life) }
    guard life.isAlive, let result = box.value else { throw .transient("the process is dead") }
    if fates.isAnswerLost { throw .transient("timed out") }
    return try result.get()
  }

  private func perform<Value>(
    _ fates: Fates, _ effect: @Sendable () throws(PlatformError) -> Value
  ) -> Result<Value, PlatformError> {
    defer { if isPlatformDown || isRouterDown { oracle.blindAt = now } }
    if fates.isRefused { return .failure(.transient("rate exceeded")) }
    if fates.isRequestLost { return .failure(.transient("timed out")) }
    if fates.isDoubled { _ = Result { () throws(PlatformError) in try effect() } }
    return Result { () throws(PlatformError) in try effect() }
  }

  /// What goes wrong with one call.
  struct Fates {
    var delay = 0
    var isRequestLost = false
    var isAnswerLost = false
    var isRefused = false
    var isDoubled = false
  }

  private func fates(of part: Part) -> Fates {
    var fates = Fates()
    calls[part, default: 0] += 1
    guard !schedule.windows.isEmpty else { return fates }
    let number = UInt64(calls[part] ?? 0)
    for (index, window) in schedule.windows.enumerated()
    where window.part == part && window.from <= now && now < window.until {
      let lot = mix(schedule.seed ^ (UInt64(index) << 32) ^ number)
      guard lot % 1000 < UInt64(window.permille) else { continue }
      let size = window.size / 2 + Int(lot >> 20) % max(1, window.size)
      cover(window.fault.rawValue)
      oracle.blindAt = now
      switch window.fault {
      case .slow: fates.delay += size
      case .lostRequest: (fates.isRequestLost, fates.delay) = (true, fates.delay + size)
      case .lostAnswer: (fates.isAnswerLost, fates.delay) = (true, fates.delay + size)
      case .duplicate: fates.isDoubled = true
      case .throttled: fates.isRefused = true
      }
    }
    return fates
  }

  private func latency() -> Int {
    schedule.setup.latencyMilliseconds == 0 ? 0 : below(schedule.setup.latencyMilliseconds)
  }

  /// Where a process may die.
  private func point(_ life: Life) {
    points += 1
    if deaths.contains(points) {
      note("agent", "dies at point \(points)")
      life.kill()
    } else if isArmed, life.isAlive {
      isArmed = false
      life.kill()
    }
  }

  // MARK: - Telling

  func note(_ who: String, _ what: @autoclosure () -> String) {
    trace.note(now, who, what)
  }

  /// A fault met every target in the step of its rollout.
  func cover(_ fault: String, _ target: TargetID? = nil) {
    guard !isHealthy else { return }
    for declaration in schedule.setup.targets where target == nil || declaration.target == target {
      coverage.count(fault, at: Coverage.step(disk.ledger.statuses[declaration.target]))
    }
  }

  var unmatched: [TargetID] {
    schedule.setup.targets.map(\.target).filter { !oracle.isAsDeclared($0) }
  }

  func beginHealing() { isHealthy = true }
}

/// The times of the liveness phase, in milliseconds.
enum Liveness {
  /// From the last fault until everything is as declared.
  static let deadline = 240_000
  static let silence = 3500
}

/// What became of one schedule.
package struct Outcome: Sendable {
  package var violations: [String]
  package var hash: UInt64
  package var steps: Int
  package var points: Int
  package var settledAfter: Moment?
  package var coverage: Coverage
  package var trace: [String]
}

final class Box<Value>: @unchecked Sendable {
  var value: Value?
}
