import CHost
import Glibc
import KeeperKit
import PlatformKit

/// Starts the instances of one stack and keeps them running, with or without the agent.
///
/// One keeper lives per stack: the lock says which. It dies without its instances, and its
/// successor takes them over by their identity; nothing is ever started twice, because a child's
/// identity is on disk before it may run.
struct Keeper {
  private let layout: StackLayout
  private let plan: KeeperPlan
  private var crew: Crew
  private var watch: Watch

  /// Returns when there is nothing left to keep; the answer is the exit code.
  static func run(_ layout: StackLayout) throws(HostError) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    failpoint("keeper.before-lock")
    guard let lock = try FileLock.take(layout.lock) else {
      say("another keeper is at work")
      return 0
    }
    failpoint("keeper.after-lock")
    guard let plan = try HostFile.decode(KeeperPlan.self, from: layout.plan) else {
      throw .malformed(path: layout.plan, reason: "is not there")
    }
    _ = chost_become_subreaper()
    var keeper = Keeper(
      layout: layout, plan: plan, crew: try Crew(layout, plan),
      watch: try Watch(directory: layout.directory))
    try keeper.work()
    withExtendedLifetime(lock) {}
    return 0
  }

  private mutating func work() throws(HostError) {
    while true {
      guard try release() else { return }
      let isRetiring = try HostFile.exists(layout.retiring)
      let intended = isRetiring ? 0 : try self.intended()
      try crew.step(intended: intended, at: Host.millisecondsSinceBoot)
      if intended == 0, crew.isEmpty { return }
      watch.wait(processes: crew.processes, milliseconds: crew.milliseconds)
    }
  }

  /// Absent: as planned. What cannot be read as a number changes nothing.
  private func intended() throws(HostError) -> Int {
    guard let text = try HostFile.text(layout.intended) else { return plan.declared }
    return Int(text).map { max(0, min($0, plan.declared)) } ?? plan.declared
  }

  /// Makes the release where there is none; false when the stack is being retired or cannot be.
  private mutating func release() throws(HostError) -> Bool {
    if try HostFile.exists(layout.manifest), try HostFile.exists(layout.release) { return true }
    guard try !HostFile.exists(layout.retiring) else { return false }
    try crew.report(.unpacking)
    failpoint("keeper.before-unpack")
    switch try Release(layout: layout, plan: plan).make() {
    case .made: return true
    case .refused(let reason):
      say("the artifact is refused: \(reason)")
      try crew.report(.failed(reason: "the artifact is refused: \(reason)"))
      return false
    case .failed(let reason):
      say(reason)
      try crew.report(.waiting(reason: reason))
      watch.wait(processes: [], milliseconds: 1000)
      return try release()
    }
  }
}
