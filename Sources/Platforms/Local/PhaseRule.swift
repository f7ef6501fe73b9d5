import KeeperKit
import Model

/// When and how a retirement began; its file's presence tells the keeper to stop everything.
struct RetiringMark: Hashable, Codable, Sendable {
  var bootID: String
  var milliseconds: Int
  var drainMilliseconds: Int

  /// What a keeper may need beyond the drain deadline before the platform kills by itself.
  static let graceMilliseconds = 10_000
  /// Nothing survives SIGKILL this long but a process that the kernel cannot end.
  static let stuckMilliseconds = 70_000

  /// Time since it began; since boot when that was in an earlier one.
  func age(_ now: Int, _ bootID: String) -> Int {
    bootID == self.bootID ? max(0, now - milliseconds) : now
  }
}

/// Everything that one fresh look at a stack found.
struct StackFacts: Sendable {
  var declared: Int
  var intended: Int
  /// Numbers of the instances that have a living process.
  var running: Set<Int>
  var keeperLives: Bool
  var hasPlan: Bool
  var status: KeeperStatus?
  /// A task was ordered and has not ended.
  var hasOpenTask = false
  /// The secrets that the plan names are gone, as after a reboot.
  var lacksSecrets = false
  var retiring: RetiringMark?
  var bootID: String
  var millisecondsSinceBoot: Int
}

extension StackFacts {
  /// What the facts mean; the first rule that fits wins.
  var phase: StackPhase {
    if let retiring { return retirement(retiring) }
    guard hasPlan else { return .launching("preparing the launch") }
    guard let status else {
      return .launching(keeperLives ? "starting" : "keeper is not running")
    }
    if hasOpenTask, lacksSecrets { return .launching("the secrets are not there") }
    guard status.keeper.bootID == bootID else {
      return needsKeeper ? .launching("starting again after a reboot") : .complete
    }
    switch status.phase {
    case .failed(let reason): return .failed(.stack, reason: reason)
    case .unpacking:
      return .launching(keeperLives ? "unpacking" : "keeper is not running")
    case .waiting(let reason):
      guard keeperLives else { return .launching("keeper is not running") }
      // What serves goes on; only what was never started has failed to launch.
      return firstMissing(status) == nil ? .complete : .failed(.platform, reason: reason)
    case .running: return whileRunning(status)
    }
  }

  /// Whether a keeper has anything to do for the launch: to make the release, to start what should
  /// run, or to stop what should not.
  var needsKeeper: Bool { intended > 0 || !running.isEmpty || !hasKept }

  /// Whether a keeper has once come so far that there is nothing left to make.
  private var hasKept: Bool {
    switch status?.phase {
    case nil, .unpacking, .waiting: false
    case .running, .failed: true
    }
  }

  private func whileRunning(_ status: KeeperStatus) -> StackPhase {
    for (number, instance) in status.instances.prefix(intended).enumerated() {
      guard instance.restarts.isCrashLooping else { continue }
      let exit = instance.lastExit ?? "it ends"
      return .failed(.stack, reason: "instance \(number) ends again and again: \(exit)")
    }
    guard keeperLives || !needsKeeper else { return .launching("keeper is not running") }
    if let missing = firstMissing(status) { return .launching("starting instance \(missing)") }
    return .complete
  }

  /// The first intended instance that was never started.
  private func firstMissing(_ status: KeeperStatus) -> Int? {
    (0..<intended).first { number in
      guard number < status.instances.count else { return true }
      let instance = status.instances[number]
      return instance.process == nil && instance.restarts.total == 0
    }
  }

  private func retirement(_ mark: RetiringMark) -> StackPhase {
    let limit = mark.drainMilliseconds + RetiringMark.stuckMilliseconds
    guard !running.isEmpty, mark.age(millisecondsSinceBoot, bootID) > limit else {
      return .retiring
    }
    return .stuck(
      reason: "\(running.count) of its instances do not end, not even when killed")
  }
}
